package token

import "github.com/oasisprotocol/curve25519-voi/curve"

// Work is how many signatures the equations of the last Verify were over, all together, and how many it verified alone.
func (b *Batch) Work() (summed, alone int) { return b.summed, b.alone }

// SubsetSums are the sums over eight subsets as they are made without wide instructions.
var SubsetSums = subsetSums

// Added is how often Plain has added a point to a bucket so far.
func (b *Batch) Added() int { return b.added }

// SubsetsTorsionFree is what Plain does on processors without wide instructions.
func (b *Batch) SubsetsTorsionFree(all []*curve.EdwardsPoint, in []uint32) bool {
	return b.subsetsTorsionFree(all, in)
}
