# kwsearch in a container, with what was tested:
#
#   docker build -t kwsearch .
#   docker run --rm -v "$PWD":/studies kwsearch search quickstart
#
# Studies and runs/ lie in the folder that is mounted. Trials train on the CPU, or on a GPU where the
# container is given one (--gpus all) and the study asks for it (gpus_per_trial = 1). For Ray, give
# it more shared memory (--shm-size 2g).

FROM python:3.11-slim

RUN useradd --create-home --uid 1000 kwsearch && mkdir /studies && chown kwsearch /studies

COPY . /source
RUN pip install --no-cache-dir --constraint /source/constraints.txt '/source[onnx,postgresql]' \
    && rm -r /source

USER kwsearch
WORKDIR /studies
ENTRYPOINT ["kwsearch"]
CMD ["--help"]
