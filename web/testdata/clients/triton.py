"""tritonclient against the routes of the Open Inference Protocol."""

import itertools
import json

import numpy
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from common import model, results, same, texts, url

name, version = model()
client = triton.InferenceServerClient(url.removeprefix("http://"), concurrency=4)

same(client.is_server_live(), True, "live")
same(client.is_server_ready(), True, "ready")
same(client.is_model_ready(name), True, "model ready")
same(client.is_model_ready(name, version), True, "version ready")
same(client.is_model_ready("bert"), False, "unknown model ready")
same(client.is_model_ready(name, "0.0.7"), False, "unknown version ready")
same("binary_tensor_data" in client.get_server_metadata()["extensions"], True, "extensions")
metadata = client.get_model_metadata(name, version)
same([metadata["name"], metadata["versions"]], [name, [version]], "metadata")
same(metadata["inputs"], [{"name": "text", "datatype": "BYTES", "shape": [-1]}], "inputs")
same(metadata["outputs"], [{"name": "entities", "datatype": "BYTES", "shape": [-1]}], "outputs")
same(client.get_model_config(name)["input"], [{"name": "text", "data_type": "TYPE_STRING", "dims": [-1]}], "configuration")
same([m["state"] for m in client.get_model_repository_index()], ["READY"], "index")


def tensor(values, shape, binary):
    array = numpy.array(values, dtype=object).reshape(shape)
    t = triton.InferInput("text", list(array.shape), "BYTES")
    t.set_data_from_numpy(array, binary_data=binary)
    return t


def elements(result, shape):
    array = result.as_numpy("entities")
    same(array.shape, tuple(shape), "shape")
    return [json.loads(e) for e in array.flatten()]


want = results(texts)
n = len(texts)
outputs = {
    "all, which are binary": None,
    "binary": [triton.InferRequestedOutput("entities", binary_data=True)],
    "JSON": [triton.InferRequestedOutput("entities", binary_data=False)],
}
for shape, binary, out, asked, compressed in itertools.product(
    [[n], [n, 1]], [True, False], outputs, [None, "gzip", "deflate"], [None, "gzip", "deflate"]
):
    result = client.infer(
        name,
        [tensor(texts, shape, binary)],
        model_version=version if binary else "",
        outputs=outputs[out],
        request_id="7",
        priority=3,
        timeout=5000000,
        request_compression_algorithm=compressed,
        response_compression_algorithm=asked,
    )
    same(elements(result, shape), want, f"shape {shape}, binary {binary}, output {out}, {compressed}, {asked}")
    same(result.get_response()["id"], "7", "id")
    if out != "JSON":
        same({type(e) for e in result.as_numpy("entities").flatten()}, {bytes}, "elements")

same(elements(client.infer(name, [tensor([], [0], False)]), [0]), [], "no texts")

# A text that is not UTF-8 costs its own element.
ents, error = elements(client.infer(name, [tensor([texts[0].encode(), b"\xff"], [2], True)]), [2])
same(ents, want[0], "the text beside one that is not UTF-8")
same("not UTF-8" in error["error"], True, f"the error {error}")

pending = [client.async_infer(name, [tensor([t], [1], True)]) for t in texts]
same([elements(p.get_result(), [1])[0] for p in pending], want, "async_infer")

counted = client.get_inference_statistics(name)["model_stats"][0]
same(counted["inference_count"] >= n and counted["execution_count"] > 0, True, f"statistics {counted}")
same(client.get_inference_statistics()["model_stats"][0]["name"], name, "all statistics")


def refused(status, part, call):
    try:
        call()
    except InferenceServerException as e:
        same((e.status(), part in e.message()), (status, True), f"the error {e}")
    else:
        same("no error", part, "a wrong request")


def numbers():
    t = triton.InferInput("text", [1], "FP32")
    t.set_data_from_numpy(numpy.array([1.5], dtype=numpy.float32))
    return t


refused("404", "no model", lambda: client.infer("bert", [tensor(["Ada"], [1], True)]))
refused("404", "no model", lambda: client.get_model_metadata(name, "0.0.7"))
refused("400", "BYTES", lambda: client.infer(name, [numbers()]))
refused("400", "shape", lambda: client.infer(name, [tensor(["Ada", "Grace"], [1, 2], True)]))
refused("400", "no output", lambda: client.infer(name, [tensor(["Ada"], [1], True)], outputs=[triton.InferRequestedOutput("scores")]))
refused("404", "there is no", lambda: client.load_model("bert"))
client.close()
