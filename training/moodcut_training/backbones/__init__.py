"""Encoders that training starts from, each behind :class:`~moodcut_training.backbones.base.Backbone`."""
