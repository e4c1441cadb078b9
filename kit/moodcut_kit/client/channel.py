"""A channel to a moodcut server: the one place where keepalive and limits are set."""

from __future__ import annotations

import json

import grpc

_MAX_MESSAGE_BYTES = 32 * 1024 * 1024
_KEEPALIVE_SECONDS = 30
# A server that was restarted is found again soon.
_FIRST_RECONNECT_SECONDS, _MAX_RECONNECT_SECONDS = 0.2, 5.0
# gRPC's own retries stay off: with them a stream whose server dies before its first message neither ends at its
# deadline nor can be cancelled. moodcut_kit.client.calls tries again.
_SERVICE_CONFIG = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})


def connect(address: str) -> grpc.Channel:
    """A channel to ``address`` (``host:port``, ``dns:///name:port`` or ``unix:path``). It connects when first used."""
    return grpc.insecure_channel(
        address,
        options=[
            ("grpc.service_config", _SERVICE_CONFIG),
            ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.max_metadata_size", 64 * 1024),
            ("grpc.keepalive_time_ms", _KEEPALIVE_SECONDS * 1000),
            ("grpc.initial_reconnect_backoff_ms", int(_FIRST_RECONNECT_SECONDS * 1000)),
            ("grpc.max_reconnect_backoff_ms", int(_MAX_RECONNECT_SECONDS * 1000)),
            # Connections of its own: by default a new channel waits as long as an old one to the same address.
            ("grpc.use_local_subchannel_pool", 1),
        ],
    )
