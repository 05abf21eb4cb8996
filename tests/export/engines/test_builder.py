"""With the real TensorRT-RTX, and with stand-ins that have what each other version has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the export extra")

from onnx import TensorProto, helper, numpy_helper

from headstart.export.engines.builder import build_plan
from headstart.export.engines.options import BuildOptions
from headstart.export.engines.profiles import Profile
from headstart.export.engines.request import EngineRequest
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.engines.tensorrt_api import TensorRt, wrap_tensorrt
from headstart.runtime.errors import ArtifactError, BackendError

OPTIONS = BuildOptions(precision="fp32", workspace_mb=64, optimization_level=3)
PROFILE = Profile(input="x", least=(1, 4), usual=(1, 4), greatest=(8, 4))


def tiny(operator: str = "Relu", name: str = "only", inputs: int = 1) -> bytes:
    """A model of one node on ``x`` ``(batch, 4)``."""
    names = ["x", "extra"][:inputs]
    given = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 4]) for n in names]
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])
    node = helper.make_node(operator, names, ["y"], name=name)
    graph = helper.make_graph([node], "g", given, [result])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return bytes(made.SerializeToString())


def build(api: TensorRt, model: bytes, **changes: Any) -> Any:
    given = {"profiles": (PROFILE,), "options": OPTIONS, **changes}
    return build_plan(api, model, **given)


@pytest.mark.parametrize("stream", ["image", "sound", "speech"])
def test_every_starter_model_builds_and_tells_how_far_it_is(
    stream: str, bundle: Bundle, api: TensorRt, requests: tuple[EngineRequest, ...]
) -> None:
    (request,) = (request for request in requests if request.key.stream == stream)
    seen: list[tuple[str, int, int]] = []
    built = build_plan(
        api,
        bundle.read(request.model),
        profiles=(request.profile,),
        options=request.options,
        progress=lambda *step: seen.append(step),
    )
    assert len(built.plan) > bundle.manifest.files[request.model].bytes / 2
    stages = list(dict.fromkeys(stage.partition(":")[0] for stage, _, _ in seen))
    assert stages == ["parsing", "configuring", "building"]
    assert ("building: Building engine", 6, 6) in seen


def test_a_node_that_the_parser_refuses_is_named(api: TensorRt) -> None:
    with pytest.raises(
        ArtifactError, match=r"does not parse node 'encoder/det' \(Det\): .*allow-list"
    ):
        build(api, tiny("Det", name="encoder/det"))


def test_an_asymmetric_quantization_is_refused_by_the_real_parser_too(api: TensorRt) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="quantize"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], name="dequantize"),
    ]
    constants = [
        numpy_helper.from_array(np.float32(0.1).reshape(()), "s"),
        numpy_helper.from_array(np.array(3, np.int8), "z"),
    ]
    graph = helper.make_graph(nodes, "g", [value], [result], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    with pytest.raises(ArtifactError, match=r"does not parse node 'quantize' \(QuantizeLinear\)"):
        build(api, bytes(made.SerializeToString()))


@pytest.mark.parametrize(
    ("model", "profiles", "words"),
    [
        (tiny(), (), r"input 'x' has the open shape \(-1, 4\) and no optimization profile"),
        (
            tiny("Add", inputs=2),
            (PROFILE,),
            r"input 'extra' has the open shape .*\(there are profiles for none\)",
        ),
        (
            tiny(),
            (PROFILE, replace(PROFILE, input="gone")),
            "the model has no input 'gone', which the manifest lists",
        ),
        (
            tiny(),
            (replace(PROFILE, greatest=(8, 5)),),
            r"input 'x' has the shape \(-1, 4\), and its profile is x:1x4:1x4:8x5",
        ),
    ],
    ids=["none", "one missing", "one too many", "wrong shape"],
)
def test_a_profile_that_does_not_fit_names_the_input(
    api: TensorRt, model: bytes, profiles: tuple[Profile, ...], words: str
) -> None:
    with pytest.raises(ArtifactError, match=words):
        build(api, model, profiles=profiles)


def test_weights_in_another_file_are_refused(api: TensorRt) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])
    outside = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="gone.bin")
    node = helper.make_node("Add", ["x", "w"], ["y"])
    made = helper.make_model(helper.make_graph([node], "g", [value], [], [outside]))
    with pytest.raises(ArtifactError, match="keeps weights in another file, which may be missing"):
        build(api, bytes(made.SerializeToString()))


def test_a_file_that_is_not_onnx_is_refused(api: TensorRt) -> None:
    with pytest.raises(ArtifactError, match="the model is not an ONNX file"):
        build(api, b"\xff\xff")


def test_the_cpu_cannot_load_what_it_built(api: TensorRt) -> None:
    """What this machine cannot verify: if this ever fails, test engines here for real."""
    plan = build(api, tiny()).plan
    try:
        import ctypes

        ctypes.CDLL("libcuda.so.1")
    except OSError:
        assert api.module.Runtime(api.logger).deserialize_cuda_engine(plan) is None


class StandIn:
    """A TensorRT that has what a version has, and notes what it is told."""

    def __init__(self, version: str, **members: tuple[str, ...]) -> None:
        self.told: list[tuple[str, Any]] = []
        self.timing = b""
        self.plan: bytes | None = b"plan"

        class ILogger:
            Severity = SimpleNamespace(INTERNAL_ERROR=0, ERROR=1, WARNING=2)

        self.module: Any = SimpleNamespace(
            __version__=version,
            ILogger=ILogger,
            Builder=lambda logger: self._builder(),
            OnnxParser=lambda network, logger: SimpleNamespace(parse=lambda model: True),
            MemoryPoolType=SimpleNamespace(WORKSPACE="workspace"),
            DeviceType=SimpleNamespace(DLA="dla"),
            BuilderFlag=SimpleNamespace(FP16="FP16", INT8="INT8", GPU_FALLBACK="GPU_FALLBACK"),
            NetworkDefinitionCreationFlag=SimpleNamespace(
                **{name: number for number, name in enumerate(members.get("creation", ()))}
            ),
            PreviewFeature=SimpleNamespace(**{name: name for name in members.get("preview", ())}),
            IBuilderConfig=SimpleNamespace(),
        )
        self.api = wrap_tensorrt(self.module, "tensorrt")

    def _note(self, what: str) -> Callable[..., Any]:
        return lambda *given: self.told.append((what, given))

    def _builder(self) -> Any:
        tensor = SimpleNamespace(name="x", shape=(-1, 4))
        network = SimpleNamespace(num_inputs=1, get_input=lambda index: tensor)

        def create_network(flags: int) -> Any:
            self.told.append(("network", flags))
            return network

        return SimpleNamespace(
            num_DLA_cores=1,
            create_network=create_network,
            create_builder_config=self._config,
            create_optimization_profile=lambda: SimpleNamespace(set_shape=self._note("profile")),
            build_serialized_network=lambda network, config: self.plan,
        )

    def _config(self) -> Any:
        def create_timing_cache(content: bytes) -> Any:
            self.timing = content
            return SimpleNamespace(serialize=lambda: b"measured")

        self.config = SimpleNamespace(
            set_memory_pool_limit=self._note("memory"),
            set_flag=self._note("flag"),
            set_preview_feature=self._note("preview"),
            add_optimization_profile=lambda profile: 0,
            create_timing_cache=create_timing_cache,
            set_timing_cache=lambda cache, ignore: self.timing != b"unusable",
            get_timing_cache=lambda: SimpleNamespace(serialize=lambda: b"measured"),
        )
        return self.config

    def flags(self) -> list[str]:
        return [given[0] for what, given in self.told if what == "flag"]


def v86() -> StandIn:
    return StandIn("8.6.1", creation=("EXPLICIT_BATCH",), preview=("PROFILE_SHARING_0806",))


@pytest.mark.parametrize(
    ("stand_in", "flags"),
    [
        (v86(), 1 << 0),
        (StandIn("10.3.0", creation=("EXPLICIT_BATCH", "STRONGLY_TYPED")), 1 << 1),
        (StandIn("11.4.0", creation=("STRONGLY_TYPED",)), 1 << 0),
        (StandIn("12.0.0"), 0),
    ],
    ids=["8.6", "10.3", "11.4", "later"],
)
def test_networks_are_strongly_typed_wherever_that_exists(stand_in: StandIn, flags: int) -> None:
    build(stand_in.api, tiny())
    assert ("network", flags) in stand_in.told
    assert ("memory", ("workspace", 64 << 20)) in stand_in.told
    assert ("profile", ("x", (1, 4), (1, 4), (8, 4))) in stand_in.told


@pytest.mark.parametrize(
    ("precision", "flags"),
    [("fp32", []), ("fp16", ["FP16"]), ("int8", ["FP16", "INT8"])],
)
def test_only_8_6_is_told_the_precision_by_flags(precision: Any, flags: list[str]) -> None:
    options = replace(OPTIONS, precision=precision)
    old, new = v86(), StandIn("10.3.0", creation=("EXPLICIT_BATCH", "STRONGLY_TYPED"))
    for stand_in in (old, new):
        build(stand_in.api, tiny(), options=options)
    assert (old.flags(), new.flags()) == (flags, [])


def test_8_6_is_asked_to_share_profiles_between_contexts() -> None:
    stand_in = v86()
    build(stand_in.api, tiny())
    assert ("preview", ("PROFILE_SHARING_0806", True)) in stand_in.told


def test_the_timing_cache_goes_in_and_comes_out() -> None:
    stand_in = v86()
    assert build(stand_in.api, tiny(), timing_cache=b"earlier").timing_cache == b"measured"
    assert stand_in.timing == b"earlier"


def test_an_unusable_timing_cache_costs_time_and_nothing_else() -> None:
    stand_in = v86()
    assert build(stand_in.api, tiny(), timing_cache=b"unusable").timing_cache == b"measured"
    assert stand_in.timing == b""


def test_an_accelerator_is_used_where_it_is_asked_for() -> None:
    stand_in = v86()
    build(stand_in.api, tiny(), options=replace(OPTIONS, precision="fp16", dla_core=0))
    assert (stand_in.config.default_device_type, stand_in.config.DLA_core) == ("dla", 0)
    assert "GPU_FALLBACK" in stand_in.flags()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"precision": "fp16", "dla_core": 1}, "sees 1 deep learning accelerators here, and the"),
        ({"precision": "fp32", "dla_core": 0}, "compute in FP16 and INT8 only, and FP32 was asked"),
    ],
)
def test_an_accelerator_that_cannot_do_it_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BackendError, match=words):
        build(v86().api, tiny(), options=replace(OPTIONS, **change))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("CUDA initialization failure with error: 35", "too old for tensorrt 10.3.0: update the d"),
        ("CUDA initialization failure with error: 222", r"does not start \(CUDA init.*nvidia-smi"),
    ],
    ids=["old driver", "other"],
)
def test_a_builder_that_does_not_start_says_why(said: str, words: str) -> None:
    stand_in = StandIn("10.3.0")

    def refuse(logger: Any) -> None:
        logger.log(1, said)
        raise TypeError("pybind11::init(): factory function returned nullptr")

    stand_in.module.Builder = refuse
    with pytest.raises(BackendError, match=words):
        build(stand_in.api, tiny())


def test_a_build_that_gives_nothing_says_why() -> None:
    stand_in = v86()
    stand_in.plan = None
    with pytest.raises(BackendError, match=r"does not build the model \(it gave no reason\)"):
        build(stand_in.api, tiny())
