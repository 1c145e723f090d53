// Package replay lets recorded machines answer again: a folder of answers, one file a command, is a
// fleet.Link in memory, or a machine at a loopback address (Server).
//
// A case is a folder with rpc/COMMAND.txt, the reply of the socket API (a parameter follows two dashes:
// "get.miner.status--summary"), rpc/joined.txt, the reply to any joined command, and http/PATH.txt, the
// reply to a GET of /PATH, in which "__" stands for "/". Beside them expected.json may say how the
// firmware treats joined commands ("_joinedCommands": "none") and what is read from it.
//
// It serves what is in the files and makes nothing up; what is not recorded is refused as cgminer refuses
// a command that it does not know.
package replay
