"""Tests of imgcore.imaging; every picture in them is made here."""
