// Package miningcmd is the commands of Bitcoin mining: a pool, and a miner.
package miningcmd
