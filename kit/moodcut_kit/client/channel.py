"""A channel to a moodcut server: the one place where keepalive, limits and retries are set."""

from __future__ import annotations

import json

import grpc

_MAX_MESSAGE_BYTES = 32 * 1024 * 1024
_KEEPALIVE_SECONDS = 30
SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
    }
)


def connect(address: str) -> grpc.Channel:
    """A channel to ``address`` (``host:port``, ``dns:///name:port`` or ``unix:path``). It connects when first used."""
    return grpc.insecure_channel(
        address,
        options=[
            ("grpc.service_config", SERVICE_CONFIG),
            ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", _KEEPALIVE_SECONDS * 1000),
        ],
    )
