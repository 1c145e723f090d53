// Package farmcmd is the commands of a mining farm: its fleet, samples, alerts, control, and the daily page.
package farmcmd
