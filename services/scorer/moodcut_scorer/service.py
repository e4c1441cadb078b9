"""ScorerService over gRPC: translate, call, translate back."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

import grpc
import numpy as np

from moodcut_kit.contract import analysis_key, check_owned, fingerprint, media_key
from moodcut_kit.errors import CancelledError
from moodcut_kit.media.audio import decode_audio
from moodcut_kit.media.open import MediaLimits
from moodcut_kit.server import Service
from moodcut_kit.server.flights import Flights
from moodcut_kit.store.base import ObjectExistsError, ObjectNotFoundError, ObjectStore
from moodcut_kit.v1 import media_pb2, scorer_pb2, scorer_pb2_grpc
from moodcut_scorer import messages
from moodcut_scorer.encoders import HeardMusic
from moodcut_scorer.errors import MusicMissingError, RequestError, UnknownModelError
from moodcut_scorer.mel import SAMPLE_RATE
from moodcut_scorer.model import SmallModel
from moodcut_scorer.registry import DEFAULT_MODEL, list_models
from moodcut_scorer.scoring import random_scores, shot_scores, unit_scores
from moodcut_scorer.settings import ScorerSettings

_SERVICE = "moodcut.v1.ScorerService"
_VERSION = 2
_KEYFRAME_BATCH = 32


class ScorerServicer(scorer_pb2_grpc.ScorerServiceServicer):
    """Scores with one model. A result's name depends on all it was made from: asking twice is free."""

    def __init__(self, store: ObjectStore, settings: ScorerSettings) -> None:
        self._store = store
        self._settings = settings
        self._model = SmallModel(runtime=settings.runtime, text_directory=settings.text_directory)
        self._flights = Flights()

    def ScoreShots(  # noqa: N802
        self, request: scorer_pb2.ScoreShotsRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.ScoreShotsResponse:
        """Score a film's shots against a piece of music; the result is an object."""
        self._check_model(request.model)
        check_owned(request.principal, request.keyframe_index_key, "keyframe_index_key")
        check_owned(request.principal, request.keyframe_pack_key, "keyframe_pack_key")
        if request.movie_analysis_key:
            check_owned(request.principal, request.movie_analysis_key, "movie_analysis_key")
        mood = messages.emotion_of(request.mood)
        units = messages.units_in_seconds(request.units, request.units_time_base)
        seed = request.random.seed if request.HasField("random") else None
        if mood is not None and seed is not None:
            raise RequestError("Give mood or random, not both", field="random")
        index = messages.parse_index(self._store.get(request.keyframe_index_key).data, request.keyframe_index_key)
        scenes = self._scenes(request.movie_analysis_key, index)
        name = fingerprint(
            stage="score",
            version=_VERSION,
            model_digest=self._model.digest,
            parameters={
                "mood": mood,
                "seed": seed,
                "units_seconds": units.tolist(),
                "music_audio_track": request.music_audio_track,
                "scenes": None if scenes is None else [*scenes],
            },
            inputs=[*_film_inputs(request, index), request.music_sha256],
        )
        key = analysis_key(request.principal, request.movie_sha256, name, "scores.pb")
        with self._flights.only_one(key):
            if self._store.stat(key) is None:
                heard = self._hear(request.principal, request.music_sha256, track=request.music_audio_track)
                shots = self._shots(request, index, scenes, context)
                scores = self._score(index, shots, heard, units, mood, seed)
                with suppress(ObjectExistsError):
                    self._store.put(key, scores.SerializeToString(deterministic=True), if_absent=True)
        return scorer_pb2.ScoreShotsResponse(scores_key=key)

    def EmbedImages(  # noqa: N802
        self, request: scorer_pb2.EmbedImagesRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.EmbedImagesResponse:
        """Embed pictures in the joint space."""
        self._check_model(request.model)
        vectors = self._model.encode_images(self._images(request.images))
        return scorer_pb2.EmbedImagesResponse(embeddings=messages.embedding_messages(vectors))

    def EmbedMusic(  # noqa: N802
        self, request: scorer_pb2.EmbedMusicRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.EmbedMusicResponse:
        """Embed a piece of music and its windows in the joint space."""
        self._check_model(request.model)
        music = self._model.encode_heard(self._hear(request.principal, request.music_sha256))
        response = scorer_pb2.EmbedMusicResponse(whole=messages.embedding_messages(music.whole[None])[0])
        vectors = messages.embedding_messages(music.embeddings)
        for (start, end), vector in zip(music.windows.tolist(), vectors, strict=True):
            response.windows.add(start_seconds=start, end_seconds=end, embedding=vector)
        return response

    def EmbedText(  # noqa: N802
        self, request: scorer_pb2.EmbedTextRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.EmbedTextResponse:
        """Embed texts in the joint space; needs the text encoder, which is built once."""
        self._check_model(request.model)
        if not 1 <= len(request.texts) <= self._settings.max_items:
            message = f"{len(request.texts)} texts; give 1 to {self._settings.max_items} in one call"
            raise RequestError(message, field="texts")
        vectors = self._model.encode_text(list(request.texts))
        return scorer_pb2.EmbedTextResponse(embeddings=messages.embedding_messages(vectors))

    def ClassifyEmotion(  # noqa: N802
        self, request: scorer_pb2.ClassifyEmotionRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.ClassifyEmotionResponse:
        """Six-way posteriors of pictures, or of a piece of music."""
        self._check_model(request.model)
        if bool(request.images) == bool(request.music_sha256):
            raise RequestError("Give images or music_sha256, one of them", field="images")
        if request.images:
            odds = self._model.classify_images(self._model.encode_images(self._images(request.images)))
        else:
            music = self._model.encode_heard(self._hear(request.principal, request.music_sha256))
            odds = self._model.classify_music(music.whole[None])
        return scorer_pb2.ClassifyEmotionResponse(emotions=messages.posterior_messages(odds))

    def ListModels(  # noqa: N802
        self, request: scorer_pb2.ListModelsRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.ListModelsResponse:
        """List the model files with licence and state."""
        response = scorer_pb2.ListModelsResponse()
        for model in list_models(text_directory=self._settings.text_directory):
            response.models.add(
                name=model.name,
                purpose=model.purpose,
                license=model.license,
                ready=model.ready,
                byte_count=model.byte_count,
                build_command=model.build_command,
            )
        return response

    def _score(
        self,
        index: media_pb2.KeyframeIndex,
        shots: np.ndarray,
        heard: HeardMusic,
        units_seconds: np.ndarray,
        mood: str | None,
        seed: int | None,
    ) -> media_pb2.Scores:
        whole = self._model.encode_heard(heard).whole
        units = self._model.encode_units(heard, units_seconds)
        shot_ids, _ = messages.shots_of(index)
        if seed is not None:
            scores = random_scores(len(shot_ids), seed=seed)
            by_unit = np.repeat(scores[:, None], len(units), axis=1)
        elif mood is not None:
            scores = shot_scores(shots, self._model.mood_embedding(mood))
            by_unit = np.repeat(scores[:, None], len(units), axis=1)
        else:
            scores, by_unit = shot_scores(shots, whole), unit_scores(shots, units)
        result = media_pb2.Scores(
            music_emotion=messages.posterior_message(self._model.classify_music(whole[None])[0]),
            unit_emotions=messages.posterior_messages(self._model.classify_music(units)),
            model=self._model.name,
        )
        emotions = messages.posterior_messages(self._model.classify_images(shots))
        for shot_id, score, emotion, row in zip(shot_ids, scores.tolist(), emotions, by_unit.tolist(), strict=True):
            result.shots.add(shot_id=shot_id, score=score, emotion=emotion, unit_scores=row)
        return result

    def _scenes(self, movie_analysis_key: str, index: media_pb2.KeyframeIndex) -> list[int] | None:
        if not movie_analysis_key:
            return None
        shot_ids, _ = messages.shots_of(index)
        return messages.scenes_of(self._store.get(movie_analysis_key).data, movie_analysis_key, shot_ids)

    def _shots(
        self,
        request: scorer_pb2.ScoreShotsRequest,
        index: media_pb2.KeyframeIndex,
        scenes: list[int] | None,
        context: grpc.ServicerContext,
    ) -> np.ndarray:
        """Unit vectors of the film's shots; kept as an object, so that a second song skips the pictures."""
        name = fingerprint(
            stage="embed_shots",
            version=_VERSION,
            model_digest=self._model.digest,
            parameters={"scenes": None if scenes is None else [*scenes]},
            inputs=_film_inputs(request, index),
        )
        key = analysis_key(request.principal, request.movie_sha256, name, "shots.npy")
        with self._flights.only_one(key):
            if self._store.stat(key) is None:
                pack = self._store.get(request.keyframe_pack_key).data
                shots = self._look(index, pack, scenes, context)
                with suppress(ObjectExistsError):
                    self._store.put(key, messages.array_bytes(shots), if_absent=True)
                return shots
        return messages.array_from(self._store.get(key).data)

    def _look(
        self, index: media_pb2.KeyframeIndex, pack: bytes, scenes: list[int] | None, context: grpc.ServicerContext
    ) -> np.ndarray:
        features = []
        for pictures in messages.keyframe_pictures(
            index, pack, max_pixels=self._settings.max_image_pixels, batch=_KEYFRAME_BATCH
        ):
            if not context.is_active():
                raise CancelledError("The caller has gone")
            features.append(self._model.look(pictures))
        shot_ids, owner = messages.shots_of(index)
        return self._model.encode_shots(np.concatenate(features), owner, len(shot_ids), scene_of_shot=scenes)

    def _hear(self, principal: str, music_sha256: str, *, track: int = 0) -> HeardMusic:
        limits = MediaLimits(max_duration_seconds=self._settings.max_music_seconds)
        try:
            with self._store.open_path(media_key(principal, music_sha256)) as path:
                samples = decode_audio(path, sample_rate=SAMPLE_RATE, channels=1, track=track, limits=limits)
        except ObjectNotFoundError as error:
            message = f"The music {music_sha256} is not in the store; upload it first"
            raise MusicMissingError(message, sha256=music_sha256) from error
        return self._model.hear(samples, SAMPLE_RATE)

    def _images(self, files: object) -> list[np.ndarray]:
        settings = self._settings
        return messages.request_images(
            list(files),  # type: ignore[call-overload]
            max_items=settings.max_items,
            max_pixels=settings.max_image_pixels,
        )

    def _check_model(self, name: str) -> None:
        known = ("", DEFAULT_MODEL, self._model.name)
        if name not in known:
            raise UnknownModelError(
                f"There is no model {name!r} here; choose one of {', '.join(known[1:])}", model=name
            )


def _film_inputs(request: scorer_pb2.ScoreShotsRequest, index: media_pb2.KeyframeIndex) -> list[str]:
    """What a film's scores depend on. The pack is immutable, so its name stands for its content."""
    return [
        sha256(index.SerializeToString(deterministic=True)).hexdigest(),
        sha256(request.keyframe_pack_key.encode()).hexdigest(),
    ]


def scorer_service(store: ObjectStore, settings: ScorerSettings | None = None) -> Service:
    """The scorer, ready to be hosted. Raises ModelMissingError if the package came without its models."""
    servicer = ScorerServicer(store, settings or ScorerSettings())
    return Service(
        name=_SERVICE,
        add_to_server=lambda server: scorer_pb2_grpc.add_ScorerServiceServicer_to_server(servicer, server),
    )
