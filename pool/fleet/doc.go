// Package fleet models devices that mine for a pool, in virtual time: what they send and when is
// data (devices.json, from the sources and bug reports of real firmware), and every share is really
// searched for. It shows whether work is lost on the way: whether each share and each block that a
// device found honestly is credited or arrives.
//
// It may import bitcoin, its kernels, pool and pool/stratum. Invariants: the same seed gives the same
// run; a device does nothing that its model does not say; hashes are counted, not estimated.
package fleet
