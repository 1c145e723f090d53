// Package bench measures a cluster beside its engine alone: validators that run in this process and share its cores, on
// one disk, over loopback. It belongs to cluster.
package bench
