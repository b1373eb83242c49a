"""Tests of the house itself: what stands where, how long, and with which words."""
