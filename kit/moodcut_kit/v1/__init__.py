"""Stubs generated from protos/ by `make protos`. Not to be edited."""
