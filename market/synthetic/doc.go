// Package synthetic makes a small market of our own: prices, networks, pools,
// countries and rates that look like the real ones in shape and in nothing
// else. Every file says "synthetic" in its provenance. It lets a newcomer run
// every market command without a download, and gives the verification gate an
// input that may be published.
//
// It imports only market. Invariant: the same version writes the same bytes
// on every run; nothing here was copied from a real series.
package synthetic
