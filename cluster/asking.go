package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	ssproto "github.com/cometbft/cometbft/proto/tendermint/statesync"
	"github.com/cometbft/cometbft/statesync"
	"github.com/cometbft/cometbft/version"
)

// asking speaks with other members while this one's engine does not run: CometBFT's protocol for snapshots, and nothing
// else. CometBFT's own end of it wants a height that a person trusts and web servers to ask, and begins with an empty
// application; this one needs the genesis and the members.
type asking struct {
	p2p.BaseReactor
	network   *p2p.Switch
	transport *p2p.MultiplexTransport

	mu      sync.Mutex // over what follows
	offers  map[p2p.ID]chan *ssproto.SnapshotsResponse
	votings map[p2p.ID]chan *ssproto.SnapshotsResponse
	chunks  map[p2p.ID]chan *ssproto.ChunkResponse
	refused map[p2p.ID]bool
}

// A peer may take so long for a chunk; and so long to say where it is, which who has nothing to offer does not answer.
const (
	chunkTime = 20 * time.Second
	offerTime = 3 * time.Second
)

// ask connects to this engine's peers.
func (e *Engine) ask() (*asking, error) {
	a := &asking{offers: map[p2p.ID]chan *ssproto.SnapshotsResponse{},
		votings: map[p2p.ID]chan *ssproto.SnapshotsResponse{}, chunks: map[p2p.ID]chan *ssproto.ChunkResponse{},
		refused: map[p2p.ID]bool{}}
	a.BaseReactor = *p2p.NewBaseReactor("Asking", a)
	config := e.config("").P2P
	key := p2p.NodeKey{PrivKey: cmted25519.PrivKey(e.keys.Peer)}
	info := p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol, version.BlockProtocol, appVersion),
		DefaultNodeID:   key.ID(), Network: e.genesis.ChainID, Version: version.TMCoreSemVer,
		Channels:   []byte{statesync.SnapshotChannel, statesync.ChunkChannel},
		ListenAddr: "tcp://" + e.settings.Listen, Moniker: e.settings.Name,
		Other: p2p.DefaultNodeInfoOther{TxIndex: "off"},
	}
	// The engine's own key and channels: to its peers this is the engine, which does not run while this asks. So it
	// must be ended before the engine starts, or they would see one node twice.
	if err := info.Validate(); err != nil {
		return nil, err
	}
	transport := p2p.NewMultiplexTransport(info, key, p2p.MConnConfig(config))
	a.transport = transport
	a.network = p2p.NewSwitch(config, transport, p2p.WithMetrics(p2p.NopMetrics()))
	logger := &cometLogger{to: e.logger.With("engine", "catching up"), fails: func(string) {}}
	a.network.SetLogger(logger)
	a.SetLogger(logger)
	a.network.AddReactor("STATESYNC", a)
	a.network.SetNodeInfo(info)
	a.network.SetNodeKey(&key)
	if err := a.network.Start(); err != nil {
		return nil, errors.Join(err, transport.Close())
	}
	return a, nil
}

// connect dials the peers that are not connected, and returns those that are and were not refused.
func (a *asking) connect(addresses []string) (connected []p2p.Peer) {
	var dialing sync.WaitGroup
	for _, address := range addresses {
		to, err := p2p.NewNetAddressString(address)
		if err != nil || a.network.Peers().Has(to.ID) {
			continue
		}
		dialing.Go(func() { _ = a.network.DialPeerWithAddress(to) }) // it is asked again in a while
	}
	dialing.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, peer := range a.network.Peers().List() {
		if !a.refused[peer.ID()] {
			connected = append(connected, peer)
		}
	}
	return connected
}

// refuse asks a peer nothing more.
func (a *asking) refuse(peer p2p.Peer) {
	a.mu.Lock()
	a.refused[peer.ID()] = true
	a.mu.Unlock()
	a.network.StopPeerGracefully(peer)
}

func (a *asking) close() {
	_ = a.network.Stop()
	_ = a.transport.Close()
	a.network.Wait()
}

// GetChannels lists what is spoken.
func (a *asking) GetChannels() []*p2p.ChannelDescriptor {
	return []*p2p.ChannelDescriptor{
		{ID: statesync.SnapshotChannel, Priority: 5, SendQueueCapacity: 10, RecvMessageCapacity: 4 * maxOfferBytes,
			MessageType: &ssproto.Message{}},
		{ID: statesync.ChunkChannel, Priority: 3, SendQueueCapacity: 10, RecvMessageCapacity: maxChunkBytes +
			maxOfferBytes,
			MessageType: &ssproto.Message{}},
	}
}

// Receive hands an answer to whoever waits for it. What nobody has asked for is dropped.
func (a *asking) Receive(e p2p.Envelope) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch m := e.Message.(type) {
	case *ssproto.SnapshotsResponse:
		if m.Format == votingFormat {
			give(a.votings[e.Src.ID()], m)
			return
		}
		give(a.offers[e.Src.ID()], m)
	case *ssproto.ChunkResponse:
		give(a.chunks[e.Src.ID()], m)
	}
}

// give answers who asked, and waits for nobody: a channel that is full has its answer.
func give[T any](to chan T, answer T) {
	select {
	case to <- answer: // a nil channel takes nothing
	default:
	}
}

// exchange sends a question to a peer and waits for the answer.
func exchange[T any](ctx context.Context, a *asking, waiting map[p2p.ID]chan T, peer p2p.Peer,
	question p2p.Envelope, within time.Duration) (answer T, err error) {
	answers := make(chan T, 1)
	a.mu.Lock()
	waiting[peer.ID()] = answers
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(waiting, peer.ID())
		a.mu.Unlock()
	}()
	if !peer.Send(question) {
		return answer, fmt.Errorf("%s takes no question", peer.ID())
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case answer = <-answers:
		return answer, nil
	case <-timer.C:
		return answer, fmt.Errorf("%s does not answer", peer.ID())
	case <-peer.Quit():
		return answer, fmt.Errorf("%s has gone", peer.ID())
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// offer asks a peer how far it is.
func (a *asking) offer(ctx context.Context, peer p2p.Peer) (*offer, error) {
	answer, err := exchange(ctx, a, a.offers, peer,
		p2p.Envelope{ChannelID: statesync.SnapshotChannel, Message: &ssproto.SnapshotsRequest{}}, offerTime)
	if err != nil {
		return nil, err
	}
	if answer.Format != snapshotFormat {
		return nil, fmt.Errorf("a snapshot of form %d", answer.Format)
	}
	return decodeOffer(answer.Metadata)
}

// errMissing says that a peer has no chunk of a snapshot any more, or never had: which is no lie.
var errMissing = errors.New("the peer has no such snapshot any more")

// chunk asks a peer for blocks of the log it offered, from one on.
func (a *asking) chunk(ctx context.Context, peer p2p.Peer, height, block uint64) (chunk, error) {
	answer, err := exchange(ctx, a, a.chunks, peer, p2p.Envelope{ChannelID: statesync.ChunkChannel,
		Message: &ssproto.ChunkRequest{Height: height, Format: snapshotFormat, Index: uint32(block)}}, chunkTime)
	if err != nil {
		return chunk{}, err
	}
	if answer.Missing || answer.Height != height || answer.Index != uint32(block) {
		return chunk{}, errMissing
	}
	return decodeChunk(answer.Chunk)
}
