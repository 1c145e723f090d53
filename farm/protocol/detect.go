package protocol

import (
	"bytes"
	"strings"

	"github.com/aqsha/aqsha/farm"
)

// Detect tells the protocol from the reply to Probe. A stock Antminer comes back as AntminerOld;
// DetectNewAntminer decides.
func Detect(reply []byte) (Protocol, Reading, error) {
	if bytes.HasPrefix(reply, []byte("HTTP/")) {
		return EPIC, *newReading(EPIC), nil // a web server where others have the API
	}
	v, err := Parse(reply)
	if err != nil {
		return "", Reading{}, err
	}
	version := v.Get("VERSION").At(0)
	status := statusOf(v)
	description := strings.ToLower(status.Get("Description").Text() + " " + v.Get("Description").Text())
	api := v.Get("Msg").Get("api_ver").Text()
	message := strings.ToLower(first(v.Get("Msg").Text(), status.Get("Msg").Text()))
	r := newReading(Cgminer)
	model, vnish := vnishModel(version.Get("Type", "Model").Text())
	r.Model, r.Firmware = model, first(vnish, version.Get("Miner", "CompileTime").Text())
	switch {
	case version.Get("LUXminer").OK():
		r.Protocol, r.Firmware = LuxOS, version.Get("LUXminer").Text()
	case version.Get("BOSminer", "BOSminer+", "BOSer").OK():
		r.Protocol, r.Firmware = Braiins, version.Get("BOSminer", "BOSminer+", "BOSer").Text()
	case strings.Contains(description, "whatsminer") || api != "" || plainStatus(v):
		// Only Whatsminer writes its status without a list. API 2.0.5 leaves the description empty, and
		// one that has too many connections says no more than that.
		if message == "over max connect" {
			return WhatsminerV2, *r,
				farm.Refuse("busy", "reply", "a Whatsminer with too many connections; ask again later")
		}
		r.Protocol = WhatsminerV2
	case version.Get("PROD", "MODEL").OK() && version.Get("DNA", "HWTYPE").OK():
		r.Protocol = Avalon
		readAvalonVersion(r, version)
	case version.Get("GCMiner").OK() || strings.Contains(description, "gcminer") ||
		strings.Contains(description, "fluxos"):
		r.Protocol, r.Firmware = Auradine, ""
	case version.Get("BDMiner", "Bdminer").OK() || strings.Contains(description, "bdminer"):
		r.Protocol = SealMiner
	case version.Get("BMMiner").OK() || strings.Contains(strings.ToLower(r.Model), "antminer"):
		r.Protocol = AntminerOld
	case version.OK():
		r.Firmware = strings.TrimSpace("cgminer " + version.Get("CGMiner").Text())
		if own := version.Get("Miner").Text(); own != "" {
			r.Firmware = own
		}
	default:
		return "", Reading{}, farm.Refuse("unknown-dialect", "reply", "no version that is known: %s",
			clip(string(reply)))
	}
	return r.Protocol, *r, nil
}

// plainStatus says whether a reply's status stands as a text beside a code, as Whatsminer's API 2 writes it.
func plainStatus(v Value) bool {
	return v.Get("STATUS").Text() != "" && v.Get("Code").OK() && v.Get("Msg").OK()
}

// DetectNewAntminer says whether the reply to ProbeNewAntminer is that of a new one.
func DetectNewAntminer(reply []byte) bool {
	v, err := Parse(reply)
	return err == nil && statsRow(v).Get("chain", "rate_5s").OK()
}

// DetectStats tells the protocol from sections of a poll, for machines whose version says nothing.
func DetectStats(reply []byte) (Protocol, bool) {
	v, err := Parse(reply)
	if err != nil {
		return "", false
	}
	for _, row := range section(v, "stats", "STATS").Each {
		if managementText(row) != "" {
			return Avalon, true
		}
		if row.Get("chain", "rate_5s").OK() {
			return AntminerNew, true
		}
	}
	if statsRow(v).OK() {
		return AntminerOld, true
	}
	s := section(v, "summary", "SUMMARY").At(0)
	if s.Get("Fan Speed In", "Factory GHS", "Chip Data").OK() ||
		(plainStatus(v) && v.Get("Msg").Get("btmineroff", "mineroff").OK()) {
		return WhatsminerV2, true
	}
	return Cgminer, s.OK() || section(v, "devs", "DEVS").At(0).OK()
}

// Web is a question over HTTP that tells protocols apart, and the protocol that answers it so.
type Web struct {
	Request  string
	Protocol Protocol
	says     func(Value) bool
}

// Webs are asked of a machine that does not answer on port 4028, in this order.
var Webs = []Web{
	{"GET /summary", EPIC, func(v Value) bool { return v.Get("Session").OK() }}, // first: on the API's own port
	{"GET /api/system/info", AxeOS, func(v Value) bool { return v.Get("ASICModel").OK() || v.Get("hashRate").OK() }},
	{"GET /api/v1/system", Proto, func(v Value) bool { return v.Get("system-info").OK() }},
	{"GET /api/v1/version", BraiinsREST, func(v Value) bool { return v.Get("major").OK() && v.Get("minor").OK() }},
	{"GET /api/v1/info", VNish, func(v Value) bool { return v.Get("fw_name", "miner", "fw_version").OK() }},
	{"POST /graphql " + graphSystem, BraiinsGraphQL,
		func(v Value) bool { return v.Get("data").Get("bosminer", "bos").OK() }},
	{"GET /kaonsu/v1/overview", Marathon, func(v Value) bool { return v.Get("version_firmware", "model").OK() }},
	{"POST /user/userpanel?post=4", IceRiver, func(v Value) bool { return v.Get("data").Get("boards", "rtpow").OK() }},
	{"GET /cgi-bin/get_system_info.cgi", ElphaPex, func(v Value) bool {
		return strings.HasPrefix(strings.ToUpper(v.Get("minertype", "miner_type").Text()), "DG")
	}},
	{"GET /cgi-bin/stats.cgi", AntminerNew, func(v Value) bool { // whose port 4028 is shut
		return strings.HasPrefix(v.Get("INFO").Get("type").Text(), "Antminer") && v.Get("STATS").OK()
	}},
	{"GET /mcb/status", Goldshell, func(v Value) bool {
		return strings.Contains(strings.ToLower(v.Get("model").Text()), "goldshell")
	}},
	{"GET /mcb/cgminer?cgminercmd=devs", Goldshell,
		func(v Value) bool { return v.Get("data").At(0).Get("nonces").OK() }},
	{"POST /api/summary", Innosilicon, func(v Value) bool { return v.Get("DEVS").OK() && v.Get("success").OK() }},
	{"POST /Cgminer/CgminerStatus", Ebang, func(v Value) bool { return v.Get("feedback").Get("averfigure").OK() }},
	{"GET /api/v1/summary", VNish, func(v Value) bool { return v.Get("miner").Get("miner_status").OK() }},
	{"GET /api/om/miner/stat/agg", Bitfury, func(v Value) bool { return v.Get("slots").OK() && v.Get("master").OK() }},
}

// Says whether the reply to a Web's request is that of its protocol.
func (w Web) Says(reply []byte) bool {
	v, err := Parse(reply)
	return err == nil && w.says(v)
}

// ReadIdentity adds to a reading who the machine is, from the replies to Identities.
func ReadIdentity(r *Reading, replies [][]byte) error {
	var luxConfig, luxProfiles Value
	for _, reply := range replies {
		if reply == nil {
			continue
		}
		v, err := Parse(reply)
		if err != nil {
			return err
		}
		message, config := v.Get("Msg", "msg"), section(v, "config", "CONFIG").At(0)
		// Makers put the same four facts in different places: the first that has one counts.
		for _, place := range []Value{message, v.Get("network_info").Get("result"), message.Get("network"),
			message.Get("miner"), message.Get("system"),
			config, v.Get("DEVDETAILS").At(0), v.Get("IPReport").At(0), v} {
			r.MAC = first(r.MAC, normalMAC(place.Get("mac", "MACAddr", "macaddr").Text()))
			r.Serial = first(r.Serial,
				properSerial(place.Get("minersn", "miner-sn", "SerialNumber", "SerialNo", "serinum").Text()))
			r.Model = first(r.Model, place.Get("type", "Model", "minertype", "model").Text())
			r.Firmware = first(r.Firmware,
				strings.Trim(place.Get("fwversion", "fw_ver", "system_filesystem_version", "version").Text(), "'"))
		}
		version := v.Get("VERSION").At(0)
		r.Firmware = first(r.Firmware, version.Get("BOSminer+", "BOSminer", "BOSer").Text())
		if r.Protocol == Avalon {
			readAvalonVersion(r, version)
		}
		if config.OK() {
			luxConfig = config
		}
		if profiles := section(v, "profiles", "PROFILES"); profiles.OK() {
			luxProfiles = profiles
		}
	}
	if r.Protocol == LuxOS {
		readLuxConfig(r, luxConfig, luxProfiles)
	}
	return nil
}

// properSerial drops what firmwares write where a serial number is missing: "N/A", "123456", zeros. Such
// a machine is known by its MAC. What cannot be an identity in a file is dropped as well.
func properSerial(s string) string {
	upper := strings.ToUpper(strings.TrimSpace(s))
	switch upper {
	case "N/A", "NA", "NONE", "NULL", "UNKNOWN", "DEFAULT", "TEST", "UNDEFINED", "UNSET", "EMPTY", "SERIAL":
		return ""
	}
	if len(upper) < 4 || len(upper) > 80 || strings.ContainsAny(upper, " ,\"*/\\") ||
		strings.Trim(upper, upper[:1]) == "" || strings.HasPrefix("01234567890123456789", upper) ||
		strings.HasPrefix("123456789012345678901234567890", upper) {
		return ""
	}
	return strings.TrimSpace(s)
}

// ProperSerial is a serial number that can be an identity, or "".
func ProperSerial(s string) string { return properSerial(s) }
