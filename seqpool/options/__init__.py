"""Frozen records that describe networks, pooling choices and data sets.

The same record is checked in a config, stored in the artifact, printed by `describe` and handed to what it builds.
"""
