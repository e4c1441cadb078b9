"""Stubs generated from protos/ by `make protos`. Not to be edited.

The `*Servicer` classes are gRPC's own base classes: each method raises NotImplementedError until a service overrides
it, and every service overrides all of its own (tests/service/test_every_method.py).
"""
