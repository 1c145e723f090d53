package node

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Prepare asks, signed by the log's key, who can be asked to promise: that they acknowledge, or write, nothing of an
// older epoch any more, and how much they have.
type Prepare struct {
	Network token.NetworkID
	failover.Ballot
	Over []failover.Ballot // candidates that were given up, on somebody's word: who promised them may promise this one
}

// MaxOver bounds how many candidates a prepare says to be given up.
const MaxOver = 8

// Promise is the answer, signed with the key with which a follower cosigns; a leader's with the log's key. Size and
// Root are of the newest checkpoint kept here.
type Promise struct {
	Network token.NetworkID
	failover.Ballot
	Size uint64 // entries that are durable there: everything that it acknowledged is among them
	Root txlog.Hash
	Role string
	Led  uint64 // the newest epoch of which it knows a leader, or leads itself
}

// Roles of those who promise. A leader that has not heard from enough followers since it started cannot know that its
// log is not an old copy.
const (
	RoleFollower   = "follower"
	RoleLeader     = "leader"
	RoleRecovering = "recovering leader"
	RoleReplaced   = "replaced leader" // it led once: what was answered since is not with it
)

const (
	prepareTitle = "aqsha prepare v1"
	overTitle    = "aqsha prepare v2" // with candidates that were given up
	promiseTitle = "aqsha promise v1"
	prepareFile  = "prepare" // the newest that a node promised
	// ownPrepareFile holds the newest prepare that this node's promotion asks others to promise: a promotion that ended
	// half way goes on with it, so that who promised promises again.
	ownPrepareFile = "prepare.own"
)

// Promised is the code of a refusal to promise a second candidate while the first may be about to lead.
const Promised token.Code = "promised-another"

// Codes of refusals to stop for a candidate that cannot lead otherwise.
const (
	OldLeader  token.Code = "old-leader"  // what its successor answered would be lost
	NotLeading token.Code = "not-leading" // it follows, has stopped, or has not heard from its followers
)

// errPromise is wrapped by errors about prepares and promises that cannot be read.
var errPromise = errors.New("not of this network, or not of this kind")

// Text is what is signed.
func (p Prepare) Text() string {
	title, over := prepareTitle, ""
	for _, b := range p.Over {
		title = overTitle
		over += fmt.Sprintf("%d %s\n", b.Epoch, b.Candidate)
	}
	return fmt.Sprintf("%s\n%s\n%d\n%s\n%s", title, p.Network, p.Epoch, p.Candidate, over)
}

// Text is what is signed.
func (p Promise) Text() string {
	return fmt.Sprintf("%s\n%s\n%d\n%s\n%d\n%s\n%s\n%d\n", promiseTitle, p.Network, p.Epoch, p.Candidate, p.Size,
		base64.StdEncoding.EncodeToString(p.Root[:]), p.Role, p.Led)
}

// openLines verifies a note of so many lines.
func openLines(signed []byte, verifiers note.Verifiers, title string,
	count int) (lines []string, opened *note.Note, err error) {
	if len(signed) > maxFence {
		return nil, nil, fmt.Errorf("%w: %d bytes", errPromise, len(signed))
	}
	if opened, err = note.Open(signed, verifiers); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errPromise, err)
	}
	lines = strings.Split(opened.Text, "\n")
	if len(lines) != count+1 || lines[0] != title {
		return nil, nil, errPromise
	}
	return lines, opened, nil
}

// ballotOf reads the lines that both kinds have.
func ballotOf(lines []string) (network token.NetworkID, b failover.Ballot, err error) {
	if err = network.UnmarshalText([]byte(lines[1])); err == nil {
		b.Epoch, err = strconv.ParseUint(lines[2], 10, 63)
	}
	if b.Candidate = lines[3]; err == nil && b.Candidate == "" {
		err = errPromise
	}
	return network, b, err
}

// OpenPrepare reads a prepare and verifies its signature.
func OpenPrepare(signed []byte, verifier note.Verifier) (p Prepare, err error) {
	title, over := prepareTitle, 0
	if strings.HasPrefix(string(signed), overTitle) {
		text, _, _ := strings.Cut(string(signed), "\n\n") // the signatures come after an empty line
		title, over = overTitle, strings.Count(text, "\n")-3
	}
	if over < 0 || over > MaxOver {
		return p, errPromise
	}
	lines, opened, err := openLines(signed, note.VerifierList(verifier), title, 4+over)
	if err != nil {
		return p, err
	}
	p.Network, p.Ballot, err = ballotOf(lines)
	for _, line := range lines[4 : 4+over] {
		b, e := ParseBallot(line, " ")
		err = errors.Join(err, e)
		p.Over = append(p.Over, b)
	}
	if err != nil || p.Text() != opened.Text {
		return Prepare{}, errPromise
	}
	return p, nil
}

// ParseBallot reads an epoch and a candidate's word.
func ParseBallot(text, separator string) (b failover.Ballot, err error) {
	epoch, word, found := strings.Cut(text, separator)
	if b.Epoch, err = strconv.ParseUint(epoch, 10, 63); err != nil || !found || word == "" ||
		strings.Contains(word, "\n") {
		return failover.Ballot{}, fmt.Errorf("%q is not an epoch and a candidate's word, such as 3%s5f0c…", text,
			separator)
	}
	b.Candidate = word
	return b, nil
}

// OpenPromise reads a promise and verifies it under any of the verifiers; names says whose signatures it bears.
func OpenPromise(signed []byte, verifiers note.Verifiers) (p Promise, names []string, err error) {
	lines, opened, err := openLines(signed, verifiers, promiseTitle, 8)
	if err != nil {
		return p, nil, err
	}
	if p.Network, p.Ballot, err = ballotOf(lines); err == nil {
		p.Size, err = strconv.ParseUint(lines[4], 10, 63)
	}
	if err == nil {
		p.Led, err = strconv.ParseUint(lines[7], 10, 63)
	}
	root, e := base64.StdEncoding.Strict().DecodeString(lines[5])
	copy(p.Root[:], root)
	p.Role = lines[6]
	if err != nil || e != nil || p.Text() != opened.Text {
		return Promise{}, nil, errPromise
	}
	for _, sig := range opened.Sigs {
		names = append(names, sig.Name)
	}
	return p, names, nil
}

// openPrepared reads what a node promised. One that promised another candidate does not open to write.
func (n *Node) openPrepared() error {
	signed, err := readSmall(n.fs, filepath.Join(n.config.Dir, prepareFile))
	if err != nil || signed == nil {
		return err
	}
	p, err := n.keptPrepare(signed)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(n.config.Dir, prepareFile), err)
	}
	n.fencing.prepared, n.fencing.promised = signed, p.Ballot
	if n.config.Leader == "" && p.Epoch > n.fencing.fence.Epoch {
		return steppedDown(p.Ballot)
	}
	return nil
}

// steppedDown is why a leader that promised writes no more.
func steppedDown(b failover.Ballot) *token.Error {
	return refuse(Fenced, "", "this node has promised epoch %d to a candidate, and answers nothing of an older one: "+
		"follow the new leader, or promote one (aqsha promote)", b.Epoch)
}

// SteppedDown says whether a data directory's node promised an epoch that nobody is known to lead.
func SteppedDown(files vfs.FS, dir string) bool {
	signed, err := readSmall(files, filepath.Join(dir, prepareFile))
	lines := strings.Split(string(signed), "\n")
	if err != nil || len(lines) < 4 || lines[0] != prepareTitle && lines[0] != overTitle {
		return false
	}
	epoch, _ := strconv.ParseUint(lines[2], 10, 63)
	return epoch > epochIn(files, filepath.Join(dir, fenceFile))
}

// Prepared returns the newest prepare that this node promised, signed, or nil.
func (n *Node) Prepared() (signed []byte, b failover.Ballot) {
	n.fencing.mu.Lock()
	defer n.fencing.mu.Unlock()
	return n.fencing.prepared, n.fencing.promised
}

// Prepare signs what a promotion of this node, a follower so far, asks of others: an epoch above all that it knows of.
// It has to promise that itself (Hold) before it leads. word is random; over are candidates that somebody gave up. A
// promotion of this node that ended half way goes on with what it asked then, unless more are given up. The file is
// written before anybody is asked, so that after a crash the same ballot is asked for again and not a new one, which
// those who promised would refuse.
func (n *Node) Prepare(signer note.Signer, word string, over ...failover.Ballot) (signed []byte, p Prepare, err error) {
	if n.config.Leader == "" {
		return nil, p, errors.New("this node is a leader already")
	}
	_, known := n.KnownFence()
	_, promised := n.Prepared()
	own, begun, err := n.ownPrepare()
	if err != nil {
		return nil, p, err
	}
	if promised != begun.Ballot && !failover.MayPromise(promised, known.Epoch,
		failover.Ballot{Epoch: max(promised.Epoch, known.Epoch) + 1}, over...) {
		return nil, p, promisedAnother(promised)
	}
	open := begun.Epoch > known.Epoch && begun.Epoch >= promised.Epoch
	if open && len(over) == 0 {
		return own, begun, nil
	}
	p = Prepare{Network: n.network, Ballot: failover.Ballot{Epoch: max(known.Epoch, promised.Epoch, begun.Epoch),
		Candidate: word}, Over: over}
	if begun.Epoch > 0 {
		p.Over = append(p.Over, begun.Ballot) // it is this node's to give up
	}
	for _, b := range over {
		p.Epoch = max(p.Epoch, b.Epoch)
	}
	if p.Epoch++; len(p.Over) > MaxOver {
		return nil, p, fmt.Errorf("%d candidates are given up at once, at most %d can be", len(p.Over), MaxOver)
	}
	if signed, err = note.Sign(&note.Note{Text: p.Text()}, signer); err != nil {
		return nil, p, err
	}
	if _, err := n.readPrepare(signed); err != nil {
		return nil, p, fmt.Errorf("the key is not the log's: %w", err)
	}
	return signed, p, replaceFile(n.fs, n.config.Dir, filepath.Join(n.config.Dir, ownPrepareFile), signed)
}

// ownPrepare is what a promotion of this node asked last; nil without one.
func (n *Node) ownPrepare() (signed []byte, p Prepare, err error) {
	path := filepath.Join(n.config.Dir, ownPrepareFile)
	if signed, err = readSmall(n.fs, path); err != nil || signed == nil {
		return nil, p, err
	}
	if p, err = n.keptPrepare(signed); err != nil {
		return nil, p, fmt.Errorf("%s: %w", path, err)
	}
	return signed, p, nil
}

// promisedAnother is why a second candidate is refused, and what its operator does.
func promisedAnother(b failover.Ballot) *token.Error {
	return refuse(Promised, "prepare", "epoch %d is promised to another candidate, %s, which may be about to lead: "+
		"let it finish and follow it (aqsha follow); if it was given up before it led, say so: aqsha promote "+
		"--instead-of %d:%s",
		b.Epoch, b.Candidate, b.Epoch, b.Candidate)
}

// Cosigns has a node that does not follow yet promise with the key with which it cosigns.
func (n *Node) Cosigns(cosigner note.Signer) { n.following.signer.Store(&cosigner) }

// Hold holds to a prepare from now on: what it forbids is not begun any more when this returns, also after a restart.
func (n *Node) Hold(signed []byte, p Prepare) error {
	n.fencing.mu.Lock()
	defer n.fencing.mu.Unlock()
	return n.holdTo(signed, p)
}

// holdTo is Hold for who has the fencing's lock. It stops a leader first, then stores, then returns: a crash before the
// file is there forgets a promise that nobody has been given.
func (n *Node) holdTo(signed []byte, p Prepare) error {
	if n.fencing.promised == p.Ballot {
		return nil
	}
	if !failover.MayPromise(n.fencing.promised, n.fencing.fence.Epoch, p.Ballot, p.Over...) {
		if n.fencing.promised.Epoch > n.fencing.fence.Epoch && p.Epoch > n.fencing.fence.Epoch {
			return promisedAnother(n.fencing.promised)
		}
		return refuse(Fenced, "epoch",
			"epoch %d is not free: this node knows of a leader of epoch %d, and promised epoch %d", p.Epoch,
			n.fencing.fence.Epoch, n.fencing.promised.Epoch)
	}
	if n.config.Leader == "" {
		n.stopWriting(steppedDown(p.Ballot))
	}
	if err := replaceFile(n.fs, n.config.Dir, filepath.Join(n.config.Dir, prepareFile), signed); err != nil {
		return err
	}
	n.fencing.prepared, n.fencing.promised = signed, p.Ballot
	n.standing()
	n.fencing.changed.wake()
	return nil
}

// Promise answers a prepare: from now on this node acknowledges, or writes, nothing of an older epoch. With leading
// only the leader does that has everything which was answered: the candidate can do nothing with another's promise,
// which would stop that one for nobody.
func (n *Node) Promise(signed []byte, leading bool) ([]byte, error) {
	p, err := n.readPrepare(signed)
	if err != nil {
		return nil, refuse(token.NotCanonical, "prepare", "%v", err)
	}
	if p.Network != n.network {
		return nil, refuse(token.NotCanonical, "prepare", "of network %s", p.Network)
	}
	signer := n.snapshotSigner()
	if signer == nil {
		return nil, refuse(NotFound, "prepare", "this node cosigns nothing: it has nothing to promise")
	}
	role, err := n.holdAs(signed, p, leading)
	if err != nil {
		return nil, err
	}
	answer := Promise{Network: n.network, Ballot: p.Ballot, Role: role}
	_, c := n.log.Checkpoint() // whatever was acknowledged or answered, a checkpoint covers
	answer.Size, answer.Root = c.Size, c.Root
	_, known := n.KnownFence()
	answer.Led = known.Epoch
	signers := []note.Signer{signer}
	if own := n.following.signer.Load(); own != nil && n.config.Leader == "" {
		signers = append(signers, *own) // it acknowledged as a follower before it led, and promises as that one too
	}
	return note.Sign(&note.Note{Text: answer.Text()}, signers...)
}

// holdAs holds to a prepare and returns as what. With leading it changes nothing at a node that is not the leader, or
// may lack something that was answered: the same lock is held while that is found out and while it is held to.
func (n *Node) holdAs(signed []byte, p Prepare, leading bool) (role string, err error) {
	n.fencing.mu.Lock()
	defer n.fencing.mu.Unlock()
	role = n.role()
	again := n.fencing.promised == p.Ballot // it stopped for this very candidate
	if leading && !again && !failover.MaySwitch(n.config.Leader == "" && role != RoleReplaced && n.Err() == nil,
		role == RoleLeader) {
		switch {
		case n.fencing.promised.Epoch > n.fencing.fence.Epoch:
			return role, promisedAnother(n.fencing.promised)
		case role == RoleReplaced:
			return role, refuse(OldLeader, "prepare",
				"this node was replaced as the leader: another leads since epoch %d", n.fencing.fence.Epoch)
		case role == RoleFollower:
			return role, refuse(NotLeading, "prepare", "this node follows %s", n.config.Leader)
		case n.Err() != nil:
			return role, refuse(NotLeading, "prepare", "this node leads and writes nothing more: %v", n.Err())
		}
		return role, refuse(NotLeading, "prepare", "this node leads and has not heard from its followers since it "+
			"started, so that it may not have everything that was answered: start them")
	}
	return role, n.holdTo(signed, p)
}

// role is as what this node promises. The fencing's lock is held.
func (n *Node) role() string {
	if n.config.Leader != "" {
		return RoleFollower
	}
	n.cosigners.mu.Lock()
	defer n.cosigners.mu.Unlock()
	switch {
	case n.replaced():
		return RoleReplaced
	case n.config.Whole || n.cosigners.whole():
		return RoleLeader
	}
	return RoleRecovering
}

// Standing of a node, as it says itself.
const (
	StandsFollower = "follower"
	StandsLeader   = "leader"
	StandsReplaced = "replaced" // another has led since
	StandsStopped  = "stopped"  // it promised a candidate that does not lead, or another was promoted with it
)

// StandsAs says as what a node stands by what it knows of who leads. It takes no lock: the fencing's is held while a
// disk is written.
func (n *Node) StandsAs() string {
	if n.config.Leader != "" {
		return StandsFollower
	}
	if e := n.failure.Load(); e != nil && e.Code == FenceConflict {
		return StandsStopped
	}
	if stands := n.fencing.stands.Load(); stands != nil {
		return *stands
	}
	return StandsLeader
}

// standing notes as what a leader stands. The fencing's lock is held.
func (n *Node) standing() {
	stands := StandsLeader
	switch {
	case n.replaced():
		stands = StandsReplaced
		if by := n.fencing.fence; n.config.Leader == "" {
			n.fencing.replacedBy.Store(&by)
		}
	case n.fencing.promised.Epoch > n.fencing.fence.Epoch:
		stands = StandsStopped
	}
	n.fencing.stands.Store(&stands)
}

// replaced says whether a leader knows of another that was promoted after it. The fencing's lock is held.
func (n *Node) replaced() bool {
	return n.fencing.signed != nil && n.fencing.fence.Leader != n.fencing.own
}

// mayAcknowledge says whether this follower may still acknowledge to a leader. The fencing's lock is held: what is
// signed before it is let go was acknowledged before any promise.
func (n *Node) mayAcknowledge(leader failover.Ballot) error {
	if promised := n.fencing.promised; !failover.MayAcknowledge(promised, leader) {
		return &promisedError{promised.Epoch, leader.Epoch}
	}
	return nil
}

// promisedError means that the leader's epoch is over for this follower, though nobody is known to lead the next one
// yet.
type promisedError struct{ promised, leads uint64 }

func (e *promisedError) Error() string {
	return fmt.Sprintf("this follower has promised epoch %d to a candidate and acknowledges nothing of epoch %d any "+
		"more: follow the new leader (aqsha follow URL), or finish the promotion", e.promised, e.leads)
}
