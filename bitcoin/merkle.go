package bitcoin

// MerkleRoot of transaction ids in block order, the coinbase first.
// The last of an odd level is paired with itself, as Bitcoin does. Hence lists that end in repetitions may have the
// root of a shorter one (CVE-2012-2459): the root alone does not say how many transactions there are.
func MerkleRoot(ids []Hash) Hash {
	if len(ids) == 0 {
		return Hash{}
	}
	level := append([]Hash(nil), ids...)
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		for i := range len(level) / 2 {
			level[i] = join(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// MerkleBranch returns the hashes that lead from the coinbase's id to the root, lowest first, ⌈log2(n)⌉ of them for n
// transactions, given the ids of all others in block order. RootOf folds them. A miner who changes the coinbase hashes
// so many pairs and not the whole tree.
func MerkleBranch(others []Hash) []Hash {
	// Position 0 stands for the coinbase, whose value never enters a branch.
	level := append([]Hash{{}}, others...)
	var branch []Hash
	for len(level) > 1 {
		branch = append(branch, level[1])
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		for i := 1; i < len(level)/2; i++ {
			level[i] = join(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return branch
}

// RootOf folds a branch onto the coinbase's id, which is the left of each pair: it is the first of the block.
func RootOf(coinbase Hash, branch []Hash) Hash {
	for _, sibling := range branch {
		coinbase = join(coinbase, sibling)
	}
	return coinbase
}

func join(left, right Hash) Hash {
	var pair [64]byte
	copy(pair[:32], left[:])
	copy(pair[32:], right[:])
	return HashOf(pair[:])
}
