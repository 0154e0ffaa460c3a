#!/bin/sh
# Install what the tests of documents run against, into build/generators: with npm zod, TypeBox, the validator ajv and
# quicktype; with pip, in an environment of its own, datamodel-code-generator.
# usage: tests/generators/install.sh          (tests that need them are skipped without)
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build/generators
npm install --prefix build/generators --no-audit --no-fund --loglevel=error \
  zod@4.6.7 @sinclair/typebox@0.34.52 ajv@8.20.0 quicktype@26.0.0
[ -x build/generators/python/bin/pip ] || "${PYTHON:-python3}" -m venv build/generators/python
build/generators/python/bin/pip install --quiet --disable-pip-version-check datamodel-code-generator==0.89.0
