// Package loadgen measures a pool from outside: many connections on one epoll,
// submits whose work is prepared, and the time at which each connection hears of a
// new job. It is for difficulties at which every hash is a share, so that it costs
// nothing to make valid work and the pool alone is measured.
//
// It may import pool/stratum. Linux only.
package loadgen
