"""Photographs: what they are, whether they are whole, and the copies made of them."""

from __future__ import annotations

from imgcore.imaging.facts import Facts, Kind, Limits, Prepared, RenditionFile
from imgcore.imaging.pools import ImagingPool
from imgcore.imaging.preparations import prepare, render

__all__ = ["Facts", "ImagingPool", "Kind", "Limits", "Prepared", "RenditionFile", "prepare", "render"]
