// Package miningcmd is the commands of Bitcoin mining: a chain, a pool, and a miner.
package miningcmd
