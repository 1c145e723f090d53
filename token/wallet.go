package token

// Attributes describe a wallet to rules, without personal data.
type Attributes struct {
	Category uint16 `json:"category,omitempty"` // merchant category, ISO 18245; 0 for none
	Region   string `json:"region,omitempty"`   // ISO 3166-2, such as KZ-35
	Role     string `json:"role,omitempty"`     // what the holder is: person, merchant, court, farm
}

// MaxRegion and MaxRole bound the attributes' lengths in bytes.
const (
	MaxRegion = 6
	MaxRole   = 12
)

func appendAttributes(b []byte, a Attributes) []byte {
	b = AppendArray(b, 3)
	b = AppendUint(b, uint64(a.Category))
	b = AppendText(b, a.Region)
	return AppendText(b, a.Role)
}

func (d *Decoder) attributes() (a Attributes) {
	d.Array("attributes", 3, 3)
	a.Category = uint16(d.Uint("attributes.category", 9999))
	a.Region = d.Text("attributes.region", 0, MaxRegion)
	a.Role = d.Text("attributes.role", 0, MaxRole)
	return a
}

// check: attributes are short words of a small alphabet, since rules compare them byte by byte: two spellings that
// look alike would be two attributes.
func (a Attributes) check() *Error {
	if a.Category > 9999 {
		return Errorf(OutOfRange, "attributes.category", "%d is over 9999", a.Category)
	}
	if len(a.Region) > MaxRegion || !only(a.Region, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") {
		return Errorf(OutOfRange, "attributes.region", "want at most %d of A–Z, 0–9, -", MaxRegion)
	}
	if len(a.Role) > MaxRole || !only(a.Role, "abcdefghijklmnopqrstuvwxyz0123456789-") {
		return Errorf(OutOfRange, "attributes.role", "want at most %d of a–z, 0–9, -", MaxRole)
	}
	return nil
}

// Register opens a wallet. Registrar is the intermediary, or Authority for direct access.
// Its keys sign under Sequence; the new key, and the recovery key if any, prove possession.
type Register struct {
	Registrar  WalletID   `json:"registrar"`
	Sequence   uint64     `json:"sequence"` // of the registrar: the intermediary's, or the policy set's
	Key        PublicKey  `json:"key"`
	Recovery   PublicKey  `json:"recovery,omitzero"`
	Tier       uint8      `json:"tier"` // index into the policy's tiers
	Attributes Attributes `json:"attributes"`
}

func (*Register) Kind() Kind  { return KindRegister }
func (*Register) fields() int { return 6 }

func (t *Register) appendFields(b []byte) []byte {
	b = AppendBytes(b, t.Registrar[:])
	b = AppendUint(b, t.Sequence)
	b = appendKey(b, t.Key)
	b = appendKey(b, t.Recovery)
	b = AppendUint(b, uint64(t.Tier))
	return appendAttributes(b, t.Attributes)
}

func (t *Register) decodeFields(d *Decoder) {
	t.Registrar = d.wallet("registrar")
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Key = d.key("key")
	t.Recovery = d.optionalKey("recovery")
	t.Tier = uint8(d.Uint("tier", 255))
	t.Attributes = d.attributes()
}

func (t *Register) check() *Error {
	if err := checkKeys(t.Key, t.Recovery); err != nil {
		return err
	}
	return t.Attributes.check()
}

// checkKeys: a recovery key that is the wallet's own would be lost with it.
func checkKeys(key, recovery PublicKey) *Error {
	if err := key.check("key"); err != nil {
		return err
	}
	if recovery == NoKey {
		return nil
	}
	if recovery == key {
		return Errorf(Repeated, "recovery", "the recovery key is the wallet's own key")
	}
	return recovery.check("recovery")
}

// Update changes a wallet's tier and attributes, signed by its registrar.
type Update struct {
	Wallet     WalletID   `json:"wallet"`
	Version    uint64     `json:"version"` // of the wallet
	Tier       uint8      `json:"tier"`
	Attributes Attributes `json:"attributes"`
}

func (*Update) Kind() Kind  { return KindUpdate }
func (*Update) fields() int { return 4 }

func (t *Update) appendFields(b []byte) []byte {
	b = appendTarget(b, t.Wallet, t.Version)
	b = AppendUint(b, uint64(t.Tier))
	return appendAttributes(b, t.Attributes)
}

func (t *Update) decodeFields(d *Decoder) {
	t.Wallet, t.Version = d.target()
	t.Tier = uint8(d.Uint("tier", 255))
	t.Attributes = d.attributes()
}

func (t *Update) check() *Error { return t.Attributes.check() }

// Rekey gives a wallet a new key. By says who asks. The recovery key and the enforcement set have it at once, the old
// key where the wallet has no recovery key; the intermediary, and the old key beside a recovery key, wait the policy's
// delay, in which the old key and the recovery key can cancel. The issue set re-keys a cash reserve, after the delay.
type Rekey struct {
	Wallet   WalletID  `json:"wallet"`
	Version  uint64    `json:"version"`
	By       Role      `json:"by"`
	Key      PublicKey `json:"key"`
	Recovery PublicKey `json:"recovery,omitzero"`
}

func (*Rekey) Kind() Kind  { return KindRekey }
func (*Rekey) fields() int { return 5 }

func (t *Rekey) appendFields(b []byte) []byte {
	b = appendTarget(b, t.Wallet, t.Version)
	b = AppendUint(b, uint64(t.By))
	b = appendKey(b, t.Key)
	return appendKey(b, t.Recovery)
}

func (t *Rekey) decodeFields(d *Decoder) {
	t.Wallet, t.Version = d.target()
	t.By = d.role("by")
	t.Key = d.key("key")
	t.Recovery = d.optionalKey("recovery")
}

func (t *Rekey) check() *Error {
	switch t.By {
	case RoleIntermediary, RoleWallet, RoleRecovery, RoleEnforcement, RoleIssue:
		return checkKeys(t.Key, t.Recovery)
	}
	return Errorf(OutOfRange, "by",
		"a wallet is re-keyed by intermediary, wallet, recovery or enforcement, a cash reserve by issue")
}

// CancelRekey stops a waiting re-key, signed by the wallet's present key.
type CancelRekey struct {
	Wallet  WalletID `json:"wallet"`
	Version uint64   `json:"version"`
}

func (*CancelRekey) Kind() Kind                     { return KindCancelRekey }
func (*CancelRekey) fields() int                    { return 2 }
func (t *CancelRekey) appendFields(b []byte) []byte { return appendTarget(b, t.Wallet, t.Version) }
func (t *CancelRekey) decodeFields(d *Decoder)      { t.Wallet, t.Version = d.target() }
func (*CancelRekey) check() *Error                  { return nil }

// Cancel stops what waits for a wallet, a new key or its closing, signed by its present key or its recovery key; for a
// cash reserve by the issue set.
type Cancel struct {
	Wallet  WalletID `json:"wallet"`
	Version uint64   `json:"version"`
	By      Role     `json:"by"`
}

func (*Cancel) Kind() Kind  { return KindCancel }
func (*Cancel) fields() int { return 3 }

func (t *Cancel) appendFields(b []byte) []byte {
	return AppendUint(appendTarget(b, t.Wallet, t.Version), uint64(t.By))
}

func (t *Cancel) decodeFields(d *Decoder) {
	t.Wallet, t.Version = d.target()
	t.By = d.role("by")
}

func (t *Cancel) check() *Error {
	if t.By != RoleWallet && t.By != RoleRecovery && t.By != RoleIssue {
		return Errorf(OutOfRange, "by", "what waits is cancelled by wallet or recovery, of a cash reserve by issue")
	}
	return nil
}

// Close ends an empty wallet, signed by its registrar, then after the policy's delay, or at once by its own key; a cash
// reserve, signed by the issue set, after the delay.
type Close struct {
	Wallet  WalletID `json:"wallet"`
	Version uint64   `json:"version"`
	By      Role     `json:"by"`
}

func (*Close) Kind() Kind  { return KindClose }
func (*Close) fields() int { return 3 }

func (t *Close) appendFields(b []byte) []byte {
	return AppendUint(appendTarget(b, t.Wallet, t.Version), uint64(t.By))
}

func (t *Close) decodeFields(d *Decoder) {
	t.Wallet, t.Version = d.target()
	t.By = d.role("by")
}

func (t *Close) check() *Error {
	if t.By != RoleIntermediary && t.By != RoleWallet && t.By != RoleIssue {
		return Errorf(OutOfRange, "by", "a wallet is closed by intermediary or wallet, a cash reserve by issue")
	}
	return nil
}

// appendTarget and target are how a change names what it changes, and in which version.
func appendTarget(b []byte, wallet WalletID, version uint64) []byte {
	return AppendUint(AppendBytes(b, wallet[:]), version)
}

func (d *Decoder) target() (wallet WalletID, version uint64) {
	return d.wallet("wallet"), d.Uint("version", 1<<63-1)
}

// only says whether a text has letters of an alphabet alone.
func only(text, alphabet string) bool {
	for i := range len(text) {
		found := false
		for j := range len(alphabet) {
			found = found || text[i] == alphabet[j]
		}
		if !found {
			return false
		}
	}
	return true
}
