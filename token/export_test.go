package token

// Work is how many signatures the equations of the last Verify were over, all together, and how many it verified alone.
func (b *Batch) Work() (summed, alone int) { return b.summed, b.alone }
