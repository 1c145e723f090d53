// Package plancmd is "aqsha farm plan" and "aqsha farm power": how a farm grows, and when it runs.
package plancmd
