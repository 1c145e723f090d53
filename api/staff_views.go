package api

import (
	"encoding/hex"

	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/token"
)

// StaffChallengeRequest asks for a challenge.
type StaffChallengeRequest struct {
	// It is answered for nothing else; confirm and add-passkey want a session.
	Purpose staff.Purpose `json:"purpose" enum:"join,sign-in,confirm,add-passkey"`
	Link    string        `json:"link,omitempty" maxLength:"64" doc:"to join: what stands in the link after join?"`
}

// StaffChallenge is what a browser makes or uses a passkey with (navigator.credentials). The person is to be verified;
// a new passkey is to be discoverable. Bytes are hexadecimal.
type StaffChallenge struct {
	Challenge string   `json:"challenge" doc:"to be used once, within two minutes, at the origin that asked"`
	Site      string   `json:"site" doc:"the relying party's id: the name that was dialled"`
	Account   string   `json:"account,omitempty" doc:"user handle of a passkey that is to be made"`
	Name      string   `json:"name,omitempty"`
	Exclude   []string `json:"exclude" doc:"ids of passkeys that the account has"`
}

// PasskeyMade is a passkey that was made (WebAuthn, AuthenticatorAttestationResponse), in hexadecimal.
type PasskeyMade struct {
	ID         string `json:"id" maxLength:"2046"`
	ClientData string `json:"client_data" maxLength:"16384"`
	Object     string `json:"object" maxLength:"16384" doc:"attestation object; no statement on the maker is asked for"`
}

// PasskeyUsed is a passkey's signature (WebAuthn, AuthenticatorAssertionResponse), in hexadecimal.
type PasskeyUsed struct {
	ID            string `json:"id" maxLength:"2046"`
	ClientData    string `json:"client_data" maxLength:"16384"`
	Authenticator string `json:"authenticator" maxLength:"16384"`
	Signature     string `json:"signature" maxLength:"16384"`
	Account       string `json:"account" maxLength:"128" doc:"user handle"`
}

// StaffJoin makes an account.
type StaffJoin struct {
	Link      string      `json:"link" maxLength:"64"`
	Name      string      `json:"name" maxLength:"64"`
	Challenge string      `json:"challenge" maxLength:"96"`
	Passkey   PasskeyMade `json:"passkey"`
}

// StaffSignIn answers a challenge with a passkey.
type StaffSignIn struct {
	Challenge string      `json:"challenge" maxLength:"96"`
	Passkey   PasskeyUsed `json:"passkey"`
}

// StaffPasskey gives the session's account another passkey.
type StaffPasskey struct {
	Name      string      `json:"name" maxLength:"64" doc:"as its owner calls the device"`
	Challenge string      `json:"challenge" maxLength:"96"`
	Passkey   PasskeyMade `json:"passkey"`
}

// StaffSession is who is signed in, and until when.
type StaffSession struct {
	Account StaffAccount `json:"account"`
	Ends    uint64       `json:"ends_millis" doc:"30 minutes from the last request, 12 hours at most"`
	Fresh   uint64       `json:"fresh_until_millis" doc:"until then privileged acts ask for no passkey"`
}

// StaffAccount is somebody of the staff.
type StaffAccount struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Roles    []staff.Role    `json:"roles" enum:"administrator,authority,auditor,intermediary"`
	Bank     token.WalletID  `json:"bank,omitzero" doc:"of an intermediary's staff"`
	Passkeys []staff.Passkey `json:"passkeys" doc:"without their keys"`
	Made     uint64          `json:"made_millis"`
	Ended    uint64          `json:"ended_millis,omitempty"`
	// A role of the demo, or let in by one, signs in on no other network.
	Demo bool   `json:"demo,omitempty" doc:"of the demo, on whose own network alone it signs in"`
	Part string `json:"part,omitempty" doc:"which of the demo's roles it is"`
}

// StaffInvitation is a one-time link that was not used yet.
type StaffInvitation struct {
	ID    string         `json:"id"`
	Name  string         `json:"name"`
	Roles []staff.Role   `json:"roles" enum:"administrator,authority,auditor,intermediary"`
	Bank  token.WalletID `json:"bank,omitzero"`
	By    string         `json:"by" doc:"the account that invites"`
	Until uint64         `json:"until_millis"`
}

// StaffList is all of the staff.
type StaffList struct {
	Accounts    []StaffAccount    `json:"accounts" doc:"those that have ended last"`
	Invitations []StaffInvitation `json:"invitations"`
}

// StaffRoles are those that an account is to have.
type StaffRoles struct {
	Roles []staff.Role   `json:"roles" enum:"administrator,authority,auditor,intermediary" maxItems:"4"`
	Bank  token.WalletID `json:"bank,omitzero" doc:"for an intermediary's staff, and nobody else"`
}

// StaffInvite invites somebody.
type StaffInvite struct {
	Name string `json:"name" maxLength:"64"`
	StaffRoles
}

// StaffLink is an invitation with the secret of its link, which is shown once.
type StaffLink struct {
	StaffInvitation
	Link string `json:"link" doc:"put it after #join? behind the node's address"`
}

// AuditTrail is a part of the trail of what staff did, newest first.
type AuditTrail struct {
	Size        uint64       `json:"size"`
	Root        string       `json:"root" doc:"of the trail's Merkle tree (RFC 6962), hexadecimal"`
	Key         string       `json:"key" doc:"that signs the checkpoint, as signed notes have it"`
	Checkpoint  string       `json:"checkpoint,omitempty" doc:"signed note (C2SP tlog-checkpoint)"`
	Consistency []token.Hash `json:"consistency" doc:"with the trail of the size since (RFC 6962, 2.1.2)"`
	Entries     []AuditEntry `json:"entries"`
}

// AuditEntry is a line of the trail.
type AuditEntry struct {
	Index  uint64            `json:"index"`
	Entry  staff.AuditRecord `json:"entry"`
	ByName string            `json:"by_name,omitempty" doc:"what the account that did it is called; not of the record"`
	Record string            `json:"record" doc:"the entry as it is stored: what the tree's leaf is over"`
}

func viewOfSession(session staff.Session, account staff.Account) StaffSession {
	return StaffSession{viewOfAccount(account), uint64(session.Ends().UnixMilli()), session.Fresh}
}

func viewOfAccount(a staff.Account) StaffAccount {
	view := StaffAccount{ID: a.ID, Name: a.Name, Roles: a.Roles, Bank: a.Bank, Made: a.Made, Ended: a.Ended,
		Demo: a.Demo, Part: a.Part}
	for _, p := range a.Passkeys {
		p.Key = nil
		view.Passkeys = append(view.Passkeys, p)
	}
	return view
}

func viewOfInvitation(i staff.Invitation) StaffInvitation {
	return StaffInvitation{i.ID(), i.Name, i.Roles, i.Bank, i.By, i.Until}
}

// decode reads the parts of an answer; whatever is no hexadecimal is no answer.
func (p PasskeyMade) decode(challenge string) (made staff.Attestation, raw []byte, err error) {
	parts, err := unhex(challenge, p.ID, p.ClientData, p.Object)
	if err != nil {
		return made, nil, err
	}
	return staff.Attestation{ID: parts[1], ClientData: parts[2], Object: parts[3]}, parts[0], nil
}

func (p PasskeyUsed) decode(challenge string) (used staff.Assertion, raw []byte, err error) {
	parts, err := unhex(challenge, p.ID, p.ClientData, p.Authenticator, p.Signature, p.Account)
	if err != nil {
		return used, nil, err
	}
	return staff.Assertion{ID: parts[1], ClientData: parts[2], Authenticator: parts[3], Signature: parts[4],
		Account: parts[5]}, parts[0], nil
}

// unhex reads the parts of what a browser answered.
func unhex(texts ...string) (parts [][]byte, err error) {
	for _, text := range texts {
		part, err := hex.DecodeString(text)
		if err != nil {
			return nil, token.Errorf(staff.PasskeyRefused, "passkey", "a part of it is not hexadecimal")
		}
		parts = append(parts, part)
	}
	return parts, nil
}
