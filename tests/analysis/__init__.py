"""Tests of the analysers: models with known answers, made here, run by the real packages."""
