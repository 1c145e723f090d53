package peer

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
)

// ErrNotListed means that the node has taken the block's bytes but does not list it on its chain:
// it is still looking at it, refuses it, or has a better chain.
var ErrNotListed = errors.New("node does not list the block on its chain")

// version is the protocol that we speak: headers (BIP 130) and witnesses (BIP 144), nothing newer.
const version = wire.AddrV2Version - 1

// queryPatience is how long a node may take to ask for a block whose header it has heard; then the
// block is sent without being asked for, which nodes take when it has more work than their tip.
const queryPatience = 500 * time.Millisecond

// Send announces a block to the node at an address, sends it and asks whether it is on the node's
// chain. The context's deadline bounds all of it.
func Send(ctx context.Context, address string, network bitcoin.Network, raw []byte) error {
	var block wire.MsgBlock
	if err := block.Deserialize(bytes.NewReader(raw)); err != nil {
		return fmt.Errorf("block: %w", err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	s := &session{conn: conn, net: network.Magic(), block: &block, hash: block.BlockHash()}
	if err := s.handshake(); err != nil {
		return fmt.Errorf("handshake with %s: %w", address, err)
	}
	if err := s.deliver(); err != nil {
		return fmt.Errorf("sending block %s to %s: %w", bitcoin.Hash(s.hash), address, err)
	}
	return nil
}

// session is one connection, owned by the goroutine of Send.
type session struct {
	conn  net.Conn
	net   wire.BitcoinNet
	block *wire.MsgBlock
	hash  chainhash.Hash
}

func (s *session) write(m wire.Message) error {
	_, err := wire.WriteMessageWithEncodingN(s.conn, m, version, s.net, wire.WitnessEncoding)
	return err
}

// read returns the next message that we know; nodes send others that we need not.
func (s *session) read() (wire.Message, error) {
	for {
		_, message, _, err := wire.ReadMessageWithEncodingN(s.conn, version, s.net, wire.WitnessEncoding)
		if errors.Is(err, wire.ErrUnknownMessage) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if ping, ok := message.(*wire.MsgPing); ok {
			if err := s.write(wire.NewMsgPong(ping.Nonce)); err != nil {
				return nil, err
			}
			continue
		}
		return message, nil
	}
}

// handshake says who we are and waits for the other side's version and its verack, in whichever order they come.
func (s *session) handshake() error {
	var nonce [8]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return err
	}
	us := wire.NewNetAddressIPPort(net.IPv4zero, 0, 0)
	hello := wire.NewMsgVersion(us, wire.NewNetAddressIPPort(net.IPv4zero, 0, 0), binary.LittleEndian.Uint64(nonce[:]),
		0)
	hello.ProtocolVersion = int32(version)
	// A node asks only those for blocks who say that they have them, with witnesses.
	hello.Services = wire.SFNodeNetwork | wire.SFNodeWitness
	hello.DisableRelayTx = true
	if err := hello.AddUserAgent("aqsha", "1"); err != nil {
		return err
	}
	if err := s.write(hello); err != nil {
		return err
	}
	for heard, agreed := false, false; !heard || !agreed; {
		message, err := s.read()
		if err != nil {
			return err
		}
		switch message.(type) {
		case *wire.MsgVersion:
			heard = true
			if err := s.write(wire.NewMsgVerAck()); err != nil {
				return err
			}
		case *wire.MsgVerAck:
			agreed = true
		}
	}
	return nil
}

// deliver announces the header, sends the block when it is asked for or time is up, and asks for
// the headers after the block's parent.
func (s *session) deliver() error {
	headers := wire.NewMsgHeaders()
	if err := headers.AddBlockHeader(&s.block.Header); err != nil {
		return err
	}
	if err := s.write(headers); err != nil {
		return err
	}
	messages, failed := make(chan wire.Message), make(chan error, 1)
	// The reader ends with the connection. Without this channel it would hang for ever on a message that nobody takes
	// when deliver has returned.
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			message, err := s.read()
			if err != nil {
				failed <- err
				return
			}
			select {
			case messages <- message:
			case <-ended:
				return
			}
		}
	}()
	patience := time.NewTimer(queryPatience)
	defer patience.Stop()
	sent := false
	for {
		select {
		case err := <-failed:
			return err
		// A node that has the header already, or wants none, does not ask: the block is sent all the same, for a
		// miner's block must not wait for manners.
		case <-patience.C:
			if !sent {
				sent = true
				if err := s.sendAndQuery(); err != nil {
					return err
				}
			}
		case message := <-messages:
			switch m := message.(type) {
			case *wire.MsgGetData:
				if !sent && s.wanted(m) {
					sent = true
					if err := s.sendAndQuery(); err != nil {
						return err
					}
				}
			// Only after sending: headers before that answer nothing of ours. What the node lists behind the parent
			// says whether it took the block.
			case *wire.MsgHeaders:
				if sent {
					return s.listed(m)
				}
			case *wire.MsgReject:
				return fmt.Errorf("node rejects it: %.200s", m.Reason)
			}
		}
	}
}

// wanted goes by the hash alone: whether a node asks for the block with its witnesses or compact, it gets it whole.
func (s *session) wanted(m *wire.MsgGetData) bool {
	for _, inv := range m.InvList {
		if inv.Hash == s.hash {
			return true
		}
	}
	return false
}

// sendAndQuery sends the block. A node handles messages in their order, so its answer to what follows
// is given after it has looked at the block.
func (s *session) sendAndQuery() error {
	if err := s.write(s.block); err != nil {
		return err
	}
	ask := wire.NewMsgGetHeaders()
	ask.ProtocolVersion = version
	if err := ask.AddBlockLocatorHash(&s.block.Header.PrevBlock); err != nil {
		return err
	}
	return s.write(ask)
}

// listed looks for the block among the headers after its parent. That its header is there means that the node has the
// block on its best chain: it sends headers of that chain only.
func (s *session) listed(m *wire.MsgHeaders) error {
	for _, header := range m.Headers {
		if header.BlockHash() == s.hash {
			return nil
		}
	}
	return ErrNotListed
}
