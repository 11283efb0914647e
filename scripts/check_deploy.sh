#!/bin/sh
# Judges the manifests and the dashboard with other people's tools: kubernetes-validate, checkov, Grafana's own types.
# Called by `make check-deploy`, which installs the first two; PYTHON_TOOLS is the folder of their programs.
set -eu
cd "$(dirname "$0")/.."
tools=${PYTHON_TOOLS:?run make check-deploy}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r k8s "$work/k8s"
rm -rf "$work"/k8s/overlays/*/secrets "$work"/k8s/overlays/*/*.env
SEATRIAL_ENV_ROOT=$work sh scripts/env.sh >/dev/null
kubectl kustomize "$work/k8s" >"$work/default.yaml"
for folder in overlays/local overlays/production stress-run; do
  overlay=${folder##*/}
  kubectl kustomize "$work/k8s/$folder" >"$work/$overlay.yaml"
  for version in 1.29 1.31 1.33; do
    "$tools/kubernetes-validate" --strict --quiet -k "$version" "$work/$overlay.yaml"
  done
  "$tools/checkov" --config-file k8s/.checkov.yaml -f "$work/$overlay.yaml"
  echo "k8s/$folder: $(grep -c '^kind:' "$work/$overlay.yaml") objects valid for 1.29, 1.31 and 1.33, checkov passed"
done
cmp -s "$work/default.yaml" "$work/local.yaml" || { echo "k8s/kustomization.yaml is not overlays/local"; exit 1; }

mkdir "$work/types"
cp observability/grafana/package.json observability/grafana/package-lock.json "$work/types/"
{
  echo 'import { ThresholdsMode, type Dashboard } from "@grafana/schema";'
  printf 'export const dashboard: Partial<Dashboard> = '
  # The types want the enumeration's member where the document has its text.
  sed 's/"mode": "absolute"/"mode": ThresholdsMode.Absolute/' observability/grafana/dashboards/trading.json
} >"$work/types/dashboard.ts"
(
  cd "$work/types"
  npm ci --ignore-scripts --no-audit --no-fund --silent 2>"$work/npm.log" || { cat "$work/npm.log"; exit 1; }
  node_modules/.bin/tsc --noEmit --strict --skipLibCheck --moduleResolution bundler --module esnext dashboard.ts
)
echo "observability/grafana/dashboards/trading.json: has the types of @grafana/schema"
