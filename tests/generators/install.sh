#!/bin/sh
# Install the generators of JSON Schema documents that npm has, and the validator ajv, into build/generators.
# usage: tests/generators/install.sh          (tests that need them are skipped without)
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build/generators
npm install --prefix build/generators --no-audit --no-fund --loglevel=error zod@4.6.7 @sinclair/typebox@0.34.52 ajv@8.20.0
