package copycmd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// Promotion is what "aqsha promote" prints.
type Promotion struct {
	Epoch     uint64     `json:"epoch"`
	Size      uint64     `json:"size"` // entries with which the new leader begins
	Root      string     `json:"root"`
	Asked     []standing `json:"asked"`     // how far the others were
	Reported  []string   `json:"told"`      // who took the fence
	Untold    []string   `json:"untold"`    // who did not answer
	Followers []string   `json:"followers"` // whose cosignatures count from now on
	Acks      int        `json:"acks"`      // how many of them must acknowledge
	AcksWere  int        `json:"acks_were"` // under the old leader
	// who acknowledges, or writes, nothing under the old leader any more
	Promised []string `json:"promised"`
	Proof    string   `json:"proof"` // file of all that: "aqsha verify promotion" checks it
	// names of the accesses that this node knows; the old leader's do not come along
	Accesses []string `json:"accesses"`
	// followers that did not promise; what only they acknowledged is lost
	GivenUp []string `json:"given_up,omitempty"`
	// entries that another node was seen to have, and that are not here
	Lost     uint64 `json:"lost,omitempty"`
	LostFrom string `json:"lost_from,omitempty"` // that node
}

// promoteOptions are the command's flags.
type promoteOptions struct {
	logKey           string
	prompt           []string // URLs of more nodes
	acceptLoss       bool
	withoutOldLeader bool
	without          []string // names of followers that are given up
	insteadOf        []string // candidates that were given up, EPOCH:WORD
	planned          bool     // the old leader is there, and stops first
}

// NewPromoteCommand makes the command "promote".
func NewPromoteCommand() *cobra.Command {
	var o promoteOptions
	command := &cobra.Command{
		Use:   "promote",
		Short: "Make a follower the leader, and fence the old one",
		Long: `Make the follower in the data directory the leader. It must not be running. The log's signing
key is needed: in the directory, or from --log-key (keys/log.secret of the old leader, kept apart).

First the old leader, the followers (they say at which URL), the nodes in "peers" and those of --ask are asked how far
they are, and what they have and this follower has not is copied and verified. Then each is asked for its
signed promise that it acknowledges nothing under the old leader any more, and what it has beyond is copied too.
An entry is answered when "acks" followers have it: if so many of them do not promise (and the old leader
neither), one may have been answered that is not here, or may be yet, and the promotion is refused: name them with
--ask, or give each up with --without NAME --accept-loss. With one follower and "acks = 1" nobody else has to promise.

Then a fence is signed: the old leader, if it answers, stops writing for ever, its last entries are
copied, and followers and peers that learn of the fence leave it. If they cannot be copied the
promotion can be run again, or finished with --without-old-leader. "followers" (less this one) and "acks" are kept
and printed, and the old leader becomes a peer, which is told of the fence until it has it. The promises are kept in
promotion-EPOCH.json, with which anybody can check that the promotion was in order (aqsha verify promotion).

A promise holds for ever: after a promotion that ended half way, those who promised acknowledge nothing to the old
leader. Run it again: it goes on where it was.

Of two followers that are promoted at once one leads, and the other command is refused (promised-another): nobody
promises a second candidate while the first may be about to lead. Start the refused one again as a follower. If the
first was given up before it led (its machine is lost), promote another with --instead-of EPOCH:WORD, as the refusal
says. For the same reason most followers must promise, or half of them and the old leader; say of one that is lost
that it is not promoted: --without NAME.`,
		Example: `  aqsha promote --data ./copy --log-key ./safe/log.secret && aqsha up --data ./copy
  aqsha promote --data ./copy --ask http://10.0.0.3:8430
  aqsha promote --data ./copy --instead-of 3:5f0c1e…
  aqsha promote --data ./copy --without-old-leader --without follower-9def0253 --accept-loss --json`,
		Args: cobra.NoArgs,
		// All of it is in promote, which plans first and asks for promises last: a promise holds for ever.
		RunE: func(command *cobra.Command, _ []string) error { return promote(command, o) },
	}
	datadir.AddLedgerFlags(command)
	command.Flags().StringVar(&o.logKey, "log-key", "",
		"file with the log's signing key (default: the one in the data directory)")
	command.Flags().StringArrayVar(&o.prompt, "ask", nil,
		"URL of another follower to ask and to tell (more than one: repeat)")
	command.Flags().BoolVar(&o.acceptLoss, "accept-loss", false,
		"promote even if entries that were answered may be lost")
	command.Flags().StringArrayVar(&o.without, "without", nil,
		"name of a follower that is given up, with --accept-loss (more than one: repeat)")
	addInsteadOf(command, &o)
	command.Flags().BoolVar(&o.withoutOldLeader, "without-old-leader", false,
		"do without the old leader's last entries, which nobody else may have")
	return command
}

func addInsteadOf(command *cobra.Command, o *promoteOptions) {
	command.Flags().StringArrayVar(&o.insteadOf, "instead-of", nil,
		"EPOCH:WORD of a candidate that was given up before it led, as a refusal names it (more than one: repeat)")
}

// promote makes a follower the leader. The directory's lock is held throughout, and the configuration changed last: a
// crash before that leaves a follower, of which the promotion is run again with the same ballot (prepare.own).
func promote(command *cobra.Command, o promoteOptions) error {
	ctx, dir := command.Context(), cli.Flag(command, "data")
	over := make([]failover.Ballot, len(o.insteadOf))
	for i, text := range o.insteadOf {
		var err error
		if over[i], err = node.ParseBallot(text, ":"); err != nil {
			return cli.Usage(fmt.Errorf("--instead-of: %w", err))
		}
	}
	for i, url := range o.prompt {
		var err error
		if o.prompt[i], err = cli.NodeURL("--ask", url); err != nil {
			return err
		}
	}
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return err
	}
	c, lock, err := datadir.TakeLedger(ctx, dir, func(c datadir.Config) error {
		if c.Leader == "" && !node.InConflict(vfs.OS, dir) && !node.SteppedDown(vfs.OS, dir) {
			return cli.Usage(fmt.Errorf("%s is a leader's already", dir))
		}
		if o.logKey == "" && !keyring.HasLogKey() {
			return cli.Usage(errors.New("the log's signing key is needed: --log-key FILE"))
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer lock.Close()
	access, err := datadir.AccessOf(command)
	if err != nil {
		return err
	}
	// The directory is held from here to the end: no follower may acknowledge anything in between.
	p := &promoting{promoteOptions: o, over: over, old: c.Leader, c: c, access: access}
	if c.Leader == "" {
		c.Leader = inConflict
	}
	if p.n, err = datadir.OpenNode(dir, c, keyring, nil); err != nil {
		return err
	}
	p.others(keyring)
	signer, err := p.logSigner(keyring)
	if err == nil {
		err = p.cosigner(keyring)
	}
	if err == nil {
		err = p.run(ctx, dir, signer)
	}
	if err := errors.Join(err, p.n.Close()); err != nil {
		return err
	}
	// Last: until then the directory is a follower's, and a promotion that was cut off is run again.
	if err := datadir.ChangeConfig(dir, func(c *datadir.Config) error {
		access := c.Access // may have been revoked while others were asked
		*c = p.newConfig()
		c.Access = access
		return nil
	}); err != nil {
		return err
	}
	return cli.Show(command, p.result, func(w io.Writer) {
		p.result.describe(w, cli.LanguageFor(command), dir)
	})
}

// inConflict stands for the leader of a node that leads no more because another was promoted with it.
const inConflict = "the leader that is promoted next"

// promoting is a promotion under way.
type promoting struct {
	promoteOptions
	n           *node.Node
	c           datadir.Config // as it was
	keepKey     func() error   // keeps the log's key of --log-key here; nil without one
	signs       note.Signer    // with which this follower cosigns; nil when it never did
	old         string         // URL of the old leader; empty when nobody knows
	access      string
	followers   []string        // the ledger's, less this one
	verifiers   []note.Verifier // of them
	name        string          // of this follower; empty when it never cosigned
	proof       node.Promotion
	over        []failover.Ballot // that were given up
	there       []string          // URLs of who answered
	reported    []followerList    // other lists of followers than this one's, of who promised
	stopped     bool              // the old leader promised, and has everything that was answered
	needsLeader bool              // without the old leader's promise this follower may not lead
	before      uint64            // the newest epoch that was led, as this follower knew before it asked anybody
	known       uint64            // the newest epoch that was promised or led, as far as is known here
	result      Promotion
}

// logSigner is the log's key: that of --log-key, or the one that is here already. The file's is kept here once this
// follower is to lead, and not before: a promotion that is refused leaves no key behind.
func (p *promoting) logSigner(keyring *wallet.Keyring) (note.Signer, error) {
	if p.logKey == "" {
		return keyring.LogSigner()
	}
	public, _, err := p.n.LeadKey()
	if err != nil {
		return nil, err
	}
	secret, signer, err := keyring.ReadLogKey(p.logKey, public)
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("--log-key: %w", err))
	}
	p.keepKey = func() error {
		if keyring.HasLogKey() {
			return nil
		}
		return keyring.KeepLogKey(secret)
	}
	return signer, nil
}

// others finds the ledger's followers but this one.
func (p *promoting) others(keyring *wallet.Keyring) {
	for _, v := range keyring.FollowerKeys() {
		p.name = v.Name()
	}
	for _, public := range p.c.Followers {
		if v, err := node.ParseFollower(public); err == nil && v.Name() != p.name {
			p.followers, p.verifiers = append(p.followers, public), append(p.verifiers, v)
		}
	}
}

// cosigner gives the node the key with which it cosigned as a follower: its own promise is signed with it.
func (p *promoting) cosigner(keyring *wallet.Keyring) error {
	if p.name == "" {
		return nil
	}
	cosigner, public, err := keyring.Cosigner(p.name)
	if err == nil {
		p.n.Cosigns(cosigner)
		p.signs = cosigner
		p.proof.Followers = append(p.proof.Followers, public)
	}
	return err
}

// run asks, looks who leads, copies, collects promises, fences and copies again. What fails before the promises changes
// nothing but that more may have been copied; after them, running it again goes on with the same epoch.
func (p *promoting) run(ctx context.Context, dir string, signer note.Signer) error {
	p.result = Promotion{Asked: []standing{}, Reported: []string{}, Untold: []string{}, Promised: []string{},
		AcksWere: p.c.Acks, Followers: p.followers}
	if p.result.Followers == nil {
		p.result.Followers = []string{}
	}
	_, fenced := p.n.KnownFence()
	p.before = fenced.Epoch
	if err := p.query(ctx); err != nil {
		return nothingChanged(err)
	}
	// A word of this promotion: of two in the same epoch, those who promised know which they have promised.
	var word [16]byte
	_, _ = rand.Read(word[:])
	_, fenced = p.n.KnownFence()
	_, promised := p.n.Prepared()
	p.known = max(fenced.Epoch, promised.Epoch)
	asking, prepare, err := p.n.Prepare(signer, hex.EncodeToString(word[:]), p.over...)
	if err == nil {
		err = p.look(ctx, prepare)
	}
	if err != nil {
		return nothingChanged(err)
	}
	if err := p.collect(ctx, asking, prepare); err != nil {
		return p.wayOn(err, prepare)
	}
	if err := p.knows(p.without); err != nil {
		return p.wayOn(err, prepare)
	}
	if p.keepKey != nil {
		if err := p.keepKey(); err != nil {
			return err
		}
	}
	// The point of no return: behind it there is a fence that the old leader obeys for ever.
	signed, fence, err := p.n.Promote(signer, prepare)
	if err != nil {
		return err
	}
	p.result.Epoch = fence.Epoch
	if p.result.Proof, err = p.prove(dir, asking, signed); err != nil {
		return err
	}
	// Told before the rest is copied: the sooner the old leader knows, the less it writes that must be copied.
	p.notify(ctx, signed)
	if err := p.copyRest(ctx); err != nil {
		return err
	}
	if err := durable.Replace(vfs.OS, filepath.Join(dir, nodecmd.PromotedFile), []byte(fence.Leader)); err != nil {
		return err
	}
	size, root, _ := p.n.Log().State()
	p.result.Size, p.result.Root = size, root.String()
	p.result.Acks = min(p.c.Acks, len(p.followers))
	p.result.Accesses = []string{}
	for _, a := range p.c.Access {
		p.result.Accesses = append(p.result.Accesses, a.Name)
	}
	return nil
}

// notify gives everybody the fence.
func (p *promoting) notify(ctx context.Context, signed []byte) {
	urls := p.urls()
	errs := make([]error, len(urls))
	p.atOnce(urls, func(i int, url string) {
		wait := datadir.HealthWait
		if !slices.Contains(p.there, url) {
			wait = datadir.SilentWait // the new leader goes on telling it
		}
		reported, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		errs[i] = p.client(url).SetFence(reported, signed)
	})
	for i, url := range urls {
		if errs[i] != nil {
			p.result.Untold = append(p.result.Untold, url)
		} else {
			p.result.Reported = append(p.result.Reported, url)
		}
	}
}

// urls are the nodes to ask and to tell, the old leader first.
func (p *promoting) urls() (urls []string) {
	var followers []string
	for name, url := range p.c.FollowerURLs {
		if name != p.name {
			followers = append(followers, url)
		}
	}
	slices.Sort(followers)
	for _, url := range slices.Concat([]string{p.old}, followers, p.c.Peers, p.promoteOptions.prompt) {
		url = strings.TrimSuffix(url, "/")
		if url != "" && !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	return urls
}

func (p *promoting) client(url string) *api.Client { return api.NewClient(url, p.access) }

// newConfig is the leader's. The old leader and whoever was named become peers: they are told who leads until they
// know.
func (p *promoting) newConfig() datadir.Config {
	c := p.c
	c.Leader, c.Followers, c.Acks = "", p.followers, p.result.Acks
	c.FollowerURLs = maps.Clone(c.FollowerURLs)
	delete(c.FollowerURLs, p.name)
	c.Peers = nil
	for _, url := range p.urls() {
		if datadir.CheckURL("", url) == nil {
			c.Peers = append(c.Peers, url)
		}
	}
	return c
}

func (r Promotion) describe(w io.Writer, l words.Language, dir string) {
	said := func(key string, pairs ...any) { fmt.Fprintln(w, " ", l.Text("promotion."+key, pairs...)) }
	fmt.Fprintln(w, l.Text("promotion.leads", "dir", dir, "size", r.Size, "epoch", r.Epoch))
	for _, s := range r.Asked {
		if s.Error == "" {
			said("had", "url", s.URL, "size", s.Size)
		}
	}
	for _, who := range r.Promised {
		said("promised", "name", who)
	}
	said("proof", "path", r.Proof)
	for _, url := range r.Reported {
		said("knows", "url", url)
	}
	for _, url := range r.Untold {
		said("silent", "url", url)
	}
	said("followers", "count", len(r.Followers), "acks", r.Acks)
	for _, follower := range r.Followers {
		fmt.Fprintf(w, "    %s\n", follower)
	}
	// The one thing that does not come along and is noticed late: readers are refused, not payers.
	if len(r.Accesses) == 0 {
		said("no-access")
	} else {
		said("accesses", "names", terminal.Plain(strings.Join(r.Accesses, ", ")))
	}
	// What was given up is said last and loud, since whoever promotes at night reads the end.
	if r.Acks < r.AcksWere {
		said("fewer-acks", "before", r.AcksWere, "now", r.Acks)
	}
	for _, name := range r.GivenUp {
		said("given-up", "name", name)
	}
	if r.Lost > 0 {
		said("lost", "count", r.Lost, "from", r.LostFrom)
	}
}
