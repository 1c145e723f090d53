package token

// Kind numbers the kinds of transaction. Numbers are never reused.
type Kind uint8

const (
	KindTransfer          Kind = 1
	KindIssue             Kind = 2
	KindRedeem            Kind = 3
	KindRegister          Kind = 4
	KindUpdate            Kind = 5
	KindRekey             Kind = 6
	KindCancelRekey       Kind = 7
	KindClose             Kind = 8
	KindFreeze            Kind = 9
	KindUnfreeze          Kind = 10
	KindSeize             Kind = 11
	KindAdmit             Kind = 12
	KindSuspend           Kind = 13
	KindMove              Kind = 14
	KindSetPolicy         Kind = 15
	KindPropose           Kind = 16
	KindVeto              Kind = 17
	KindNewIntermediary   Kind = 18
	KindSetAgency         Kind = 19
	KindRegisterPurpose   Kind = 20
	KindEarmarkedTransfer Kind = 21
	KindDefine            Kind = 22
	KindCreate            Kind = 23
	KindAct               Kind = 24
	KindCancel            Kind = 25
	KindRelease           Kind = 26
	KindVouch             Kind = 27
	KindAnnounceKeyset    Kind = 28
	KindStampCash         Kind = 29
	KindBondPurses        Kind = 30
	KindOpenPurse         Kind = 31
	KindFundPurse         Kind = 32
	KindSettlePurses      Kind = 33
	KindConvictPurse      Kind = 34
	KindClosePurse        Kind = 35
	KindAnnounceOpeners   Kind = 36
	KindOpenName          Kind = 37
	KindSetValidators     Kind = 38

	LastKind = KindSetValidators // the highest number in use
)

// Body is what a transaction says; its bytes make the id and are signed. One type per kind.
type Body interface {
	Kind() Kind
	appendFields(b []byte) []byte // the items after kind and valid-until
	fields() int                  // how many items those are
	decodeFields(d *Decoder)
	check() *Error // rules of form that need no state
}

// kinds makes an empty body of each kind.
var kinds = map[Kind]func() Body{
	KindTransfer:          func() Body { return new(Transfer) },
	KindIssue:             func() Body { return new(Issue) },
	KindRedeem:            func() Body { return new(Redeem) },
	KindRegister:          func() Body { return new(Register) },
	KindUpdate:            func() Body { return new(Update) },
	KindRekey:             func() Body { return new(Rekey) },
	KindCancelRekey:       func() Body { return new(CancelRekey) },
	KindClose:             func() Body { return new(Close) },
	KindFreeze:            func() Body { return new(Freeze) },
	KindUnfreeze:          func() Body { return new(Unfreeze) },
	KindSeize:             func() Body { return new(Seize) },
	KindAdmit:             func() Body { return new(Admit) },
	KindSuspend:           func() Body { return new(Suspend) },
	KindMove:              func() Body { return new(Move) },
	KindSetPolicy:         func() Body { return new(SetPolicy) },
	KindPropose:           func() Body { return new(Propose) },
	KindVeto:              func() Body { return new(Veto) },
	KindNewIntermediary:   func() Body { return new(RenewIntermediary) },
	KindSetAgency:         func() Body { return new(SetAgency) },
	KindRegisterPurpose:   func() Body { return new(RegisterPurpose) },
	KindEarmarkedTransfer: func() Body { return new(EarmarkedTransfer) },
	KindDefine:            func() Body { return new(Define) },
	KindCreate:            func() Body { return new(Create) },
	KindAct:               func() Body { return new(Act) },
	KindCancel:            func() Body { return new(Cancel) },
	KindRelease:           func() Body { return new(Release) },
	KindVouch:             func() Body { return new(Vouch) },
	KindAnnounceKeyset:    func() Body { return new(AnnounceKeyset) },
	KindStampCash:         func() Body { return new(StampCash) },
	KindBondPurses:        func() Body { return new(BondPurses) },
	KindOpenPurse:         func() Body { return new(OpenPurse) },
	KindFundPurse:         func() Body { return new(FundPurse) },
	KindSettlePurses:      func() Body { return new(SettlePurses) },
	KindConvictPurse:      func() Body { return new(ConvictPurse) },
	KindClosePurse:        func() Body { return new(ClosePurse) },
	KindAnnounceOpeners:   func() Body { return new(AnnounceOpeners) },
	KindOpenName:          func() Body { return new(OpenName) },
	KindSetValidators:     func() Body { return new(SetValidators) },
}

var kindNames = map[Kind]string{
	KindTransfer: "transfer", KindIssue: "issue", KindRedeem: "redeem",
	KindRegister: "register", KindUpdate: "update", KindRekey: "rekey", KindCancelRekey: "cancel-rekey",
	KindClose:  "close",
	KindFreeze: "freeze", KindUnfreeze: "unfreeze", KindSeize: "seize",
	KindAdmit: "admit", KindSuspend: "suspend", KindMove: "move", KindNewIntermediary: "renew-intermediary",
	KindSetPolicy: "set-policy", KindPropose: "propose", KindVeto: "veto",
	KindSetAgency: "set-agency", KindRegisterPurpose: "register-purpose", KindEarmarkedTransfer: "marked-transfer",
	KindDefine: "define", KindCreate: "create", KindAct: "act",
	KindCancel: "cancel", KindRelease: "release", KindVouch: "vouch",
	KindAnnounceKeyset: "announce-keyset", KindStampCash: "stamp-cash",
	KindBondPurses: "bond-purses", KindOpenPurse: "open-purse", KindFundPurse: "fund-purse",
	KindSettlePurses: "settle-purses", KindConvictPurse: "convict-purse", KindClosePurse: "close-purse",
	KindAnnounceOpeners: "announce-openers", KindOpenName: "open-name",
	KindSetValidators: "set-validators",
}

func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "unknown"
}

// ParseKind reads the name of a kind as String prints it.
func ParseKind(name string) (Kind, bool) {
	for k := KindTransfer; k <= LastKind; k++ {
		if kindNames[k] == name {
			return k, true
		}
	}
	return 0, false
}

// NewBody makes an empty body of a kind, or nil for an unknown kind.
func NewBody(k Kind) Body {
	if make, ok := kinds[k]; ok {
		return make()
	}
	return nil
}
