// Package farmcmd is the commands of a mining farm that look and keep: its fleet, samples, alerts, sites, and the daily
// page. What changes machines is of controlcmd.
package farmcmd
