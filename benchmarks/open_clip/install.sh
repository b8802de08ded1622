#!/bin/sh
# install.sh FOLDER   a Python environment with OpenCLIP 3.3.0 and the other libraries compared
set -eu
python3 -m venv "$1"
"$1/bin/pip" install --quiet open_clip_torch==3.3.0 transformers==4.49.0 safetensors onnx onnxscript onnxruntime openvino
