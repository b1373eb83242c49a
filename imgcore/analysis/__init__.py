"""What looks at a picture and says scores: the analysers that are shipped, and those a clinic adds."""

from imgcore.analysis.analysers import Analyser, predict_many
from imgcore.analysis.registry import Installed, installed

__all__ = ["Analyser", "Installed", "installed", "predict_many"]
