package api

import (
	"path"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Types that write their own JSON, as the description states them. The core does not know the framework: each of its
// types is described here by a stand-in.

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func statusText(status int) string { return strconv.Itoa(status) }

func init() { huma.DefaultArrayNullable = false } // a list that has nothing is sent as []: see filled

// newSchemas is the registry of what is sent.
func newSchemas() huma.Registry {
	r := huma.NewMapRegistry(schemaPrefix, schemaName)
	for from, to := range map[reflect.Type]reflect.Type{
		typeOf[token.WalletID]():      typeOf[walletIDSchema](),
		typeOf[token.TransactionID](): typeOf[hashSchema](),
		typeOf[token.ID]():            typeOf[hashSchema](),
		typeOf[token.Hash]():          typeOf[hashSchema](),
		typeOf[token.NetworkID]():     typeOf[hashSchema](),
		typeOf[txlog.Hash]():          typeOf[hashSchema](),
		typeOf[token.PublicKey]():     typeOf[keySchema](),
		typeOf[token.Signature]():     typeOf[signatureSchema](),
		typeOf[token.Role]():          typeOf[roleSchema](),
		typeOf[token.Value]():         typeOf[valueSchema](),
		typeOf[token.Transaction]():   typeOf[transactionSchema](),
		typeOf[uint32]():              typeOf[uint32Schema](),
		typeOf[node.Head]():           typeOf[headSchema](),
	} {
		r.RegisterTypeAlias(from, to)
	}
	return r
}

const schemaPrefix = "#/components/schemas/"

// schemaName is a type's name. Those of the market's packages, of which many have a type of the same name, begin with
// the package's.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if p := t.PkgPath(); strings.Contains(p, "/market/") && t.Name() != "" {
		pkg := path.Base(p)
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	return name
}

func hexadecimal(digits int, what string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9a-fA-F]{" + strconv.Itoa(digits) + "}$",
		Description: what}
}

type (
	walletIDSchema  struct{}
	hashSchema      struct{}
	keySchema       struct{}
	signatureSchema struct{}
	roleSchema      struct{}
	valueSchema     struct{}
	uint32Schema    struct{}
)

func (walletIDSchema) Schema(huma.Registry) *huma.Schema {
	return hexadecimal(32, "id of a wallet, an intermediary, an agency or a contract")
}
func (hashSchema) Schema(huma.Registry) *huma.Schema { return hexadecimal(64, "") }

func (keySchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^(ed25519:[0-9a-fA-F]{64})?$",
		Description: "public key; empty for none"}
}

func (signatureSchema) Schema(huma.Registry) *huma.Schema {
	return hexadecimal(130, "01 for Ed25519, then 64 bytes")
}

func (roleSchema) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for role := token.Role(1); role <= token.RoleAgency; role++ {
		s.Enum = append(s.Enum, role.String())
	}
	return s
}

// uint32Schema: 32 bits without a sign do not fit the format int32.
func (uint32Schema) Schema(huma.Registry) *huma.Schema {
	least, most := 0.0, float64(1<<32-1)
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &least, Maximum: &most}
}

// Schema of a value has one of five keys.
func (valueSchema) Schema(r huma.Registry) *huma.Schema {
	return component(r, "Value", func() *huma.Schema {
		most, bytes := token.MaxValueInts, 2*token.MaxValueBytes
		forms := []struct {
			key    string
			schema *huma.Schema
		}{
			{"int", &huma.Schema{Type: huma.TypeString, Pattern: "^-?[0-9]{1,19}$",
				Description: "of 64 bits, in decimal"}},
			{"bool", &huma.Schema{Type: huma.TypeBoolean}},
			{"text", &huma.Schema{Type: huma.TypeString}},
			{"bytes", &huma.Schema{Type: huma.TypeString, Pattern: "^([0-9a-fA-F]{2})*$", MaxLength: &bytes}},
			{"ints", &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeInteger, Format: "int64"},
				MaxItems: &most}},
		}
		s := &huma.Schema{}
		for _, f := range forms {
			s.OneOf = append(s.OneOf, object("Value"+strings.ToUpper(f.key[:1])+f.key[1:], []string{f.key},
				map[string]*huma.Schema{f.key: f.schema}))
		}
		return s
	})
}

// transactionSchema is one of as many shapes as there are kinds.
type transactionSchema struct{}

// Schema is one of the kinds, told apart by their names.
func (transactionSchema) Schema(r huma.Registry) *huma.Schema {
	return component(r, "Transaction", func() *huma.Schema {
		s := &huma.Schema{Discriminator: &huma.Discriminator{PropertyName: "kind", Mapping: map[string]string{}}}
		for k := token.KindTransfer; k <= token.LastKind; k++ {
			name := "Transaction" + reflect.TypeOf(token.NewBody(k)).Elem().Name()
			ref := component(r, name, func() *huma.Schema { return transactionOf(r, k) })
			s.OneOf, s.Discriminator.Mapping[k.String()] = append(s.OneOf, ref), ref.Ref
		}
		return s
	})
}

// transactionOf is the schema of one kind.
func transactionOf(r huma.Registry, k token.Kind) *huma.Schema {
	least, most := 0.0, token.MaxWitnesses
	return object("", []string{"kind", "valid_until", "body", "witnesses"}, map[string]*huma.Schema{
		"id":   hexadecimal(64, "by the body; may be left out of what is sent"),
		"kind": {Type: huma.TypeString, Const: k.String()},
		"valid_until": {Type: huma.TypeInteger, Format: "int64", Minimum: &least,
			Description: "Unix milliseconds, at most an hour ahead of time_millis of /v1/network"},
		"body": r.Schema(reflect.TypeOf(token.NewBody(k)).Elem(), true, k.String()),
		"witnesses": {Type: huma.TypeArray, Items: r.Schema(typeOf[token.Witness](), true, "Witness"),
			MaxItems: &most},
	})
}

// component registers a schema under a name, once, and refers to it.
func component(r huma.Registry, name string, make func() *huma.Schema) *huma.Schema {
	if _, ok := r.Map()[name]; !ok {
		r.Map()[name] = &huma.Schema{} // what refers to itself ends here
		s := make()
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: schemaPrefix + name}
}

// object is the schema of an object that has no other properties than these.
func object(title string, required []string, properties map[string]*huma.Schema) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Title: title, Required: required, Properties: properties,
		AdditionalProperties: false}
}

// headSchema is the form of a head.
type headSchema struct{}

func (headSchema) Schema(r huma.Registry) *huma.Schema {
	type Head struct {
		ledger.Leaf
		Size uint64     `json:"size" doc:"entries of the log, with this block's"`
		Root token.Hash `json:"root" doc:"of the log at size"`
	}
	return r.Schema(typeOf[Head](), true, "Head")
}
