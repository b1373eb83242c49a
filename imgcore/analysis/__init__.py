"""What looks at a picture and says scores: the analysers that are shipped, and those a clinic adds."""

from imgcore.analysis.analysers import Analyser, predict_many
from imgcore.analysis.registry import installed

__all__ = ["Analyser", "installed", "predict_many"]
