#!/bin/sh
# temp/celsius in, temp/fahrenheit and temp/kelvin out: converter.sh [HOST [PORT]]
export HOST="${1:-localhost}" PORT="${2:-1883}"
cauldron sub -h "$HOST" -p "$PORT" -t temp/celsius | while read -r celsius; do
  echo "$celsius" | awk '{ print $1 * 1.8 + 32 }' | cauldron pub -h "$HOST" -p "$PORT" -t temp/fahrenheit -l
  echo "$celsius" | awk '{ print $1 + 273.15 }' | cauldron pub -h "$HOST" -p "$PORT" -t temp/kelvin -l
done
