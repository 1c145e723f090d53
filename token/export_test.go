package token

// Work is how many signatures the equations of the last Verify were over, all together, and how many it verified alone.
func (b *Batch) Work() (summed, alone int) { return b.summed, b.alone }

// SubsetSums are the sums over eight subsets as they are made without wide instructions.
var SubsetSums = subsetSums
