#!/bin/sh
# TF Serving, its REST API on the port that the platform names: Vertex AI in AIP_HTTP_PORT, Cloud
# Run in PORT. Further arguments are passed on, and win over what is set here.
#
# The port opens when every model is loaded and warmed up, or the process ends with an error.
set -eu

port=${AIP_HTTP_PORT:-${PORT:-8501}}
grpc_port=8500 # cannot be switched off; neither platform lets anybody reach it
if [ "$port" = "$grpc_port" ]; then
  grpc_port=8499
fi

# TF_THREADS: threads within one operation and across operations; unset, as many as there are CPUs.
if [ -n "${TF_THREADS:-}" ]; then
  set -- "--tensorflow_intra_op_parallelism=$TF_THREADS" \
    "--tensorflow_inter_op_parallelism=$TF_THREADS" "$@"
fi

# Twice, because the second call of a graph is slow too.
exec tensorflow_model_server \
  "--port=$grpc_port" \
  "--rest_api_port=$port" \
  --rest_api_num_threads=32 \
  --rest_api_timeout_in_ms=30000 \
  --model_config_file=/serving/models.config \
  --monitoring_config_file=/serving/monitoring.config \
  --enable_batching=true \
  --batching_parameters_file=/serving/batching.conf \
  --num_request_iterations_for_warmup=2 \
  --file_system_poll_wait_seconds=0 \
  "$@"
