package curve

import "testing"

// Without the instructions everything comes out the same.
func TestWithoutAssembly(t *testing.T) {
	defer func(before bool) { adx = before }(adx)
	adx = false
	t.Run("NUT-00", TestVectorsOfNUT00)
	t.Run("NUT-12", TestVectorsOfNUT12)
	t.Run("sums", TestLinearCombinationsOfManySizes)
	t.Run("blocks", TestBlocksAreProved)
}
