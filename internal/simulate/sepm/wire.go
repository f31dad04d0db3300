package sepm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// object is a JSON object under construction.
type object map[string]any

// steady are the keys of a computer that say the same for every one
// (contract: A10; the number-like strings are as SEPM sends them, A2), as
// the JSON object they end. They are most of the object and are made once.
func steady(release Release) json.RawMessage {
	o := object{
		"agentType": "105", "agentVersion": "14.3.9717.7000", "agentUsn": 245612, "computerUsn": 245598,
		"attributeExtension": "", "biosVersion": "INTEL  - 6040000 PhoenixBIOS 4.0 Release 6.0",
		"cidsDefsetVersion": "240820061", "cidsEngineVersion": "0.0.0.0", "cidsDrvMulfCode": 0, "cidsSilentMode": 0,
		"contentUpdate": 1, "deploymentMessage": "", "deploymentStatus": "302456832", "edrStatus": 0,
		"freeDisk": 18202796032, "freeMem": 1503354880, "memory": 4294430720, "totalDiskSpace": 40956,
		"groupUpdateProvider": false, "hypervisorVendorId": "0", "installType": "0",
		"isGrace": 0, "isNpvdiClient": 0, "licenseStatus": -1, "logicalCpus": 0, "physicalCpus": 2, "processorClock": 2600,
		"majorVersion": 14, "minorVersion": 3, "osLanguage": "en-US", "osFlavorNumber": 7, "osElamStatus": 0,
		"osServicePack": "", "processorType": "Intel64 Family 6 Model 85 Stepping 7",
		"rebootReason": "", "rebootRequired": 0, "timeZone": 0, "tpmDevice": "0", "worstInfectionIdx": "9999",
		"bwf": 2, "fbwf": 2, "uwf": 2, "vsicStatus": 3, "writeFiltersStatus": nil,
		"avDefsetVersion": "240820021", "avDefsetRevision": "21", "avDefsetSequence": "236254",
		"tdadStatusId": 127, "tdadGlobalDataDownloadTime": 0, "tdadGlobalDataProcessingDoneTime": 0,
		"pskVersion": 0, "wssStatus": 0,
		"creationTime": createdAt.UnixMilli(), "lastDeploymentTime": 0, "lastDownloadTime": 1724225880000,
		"lastHeuristicThreatTime": 0, "licenseExpiry": 0,
		"lastServerId": hexID("server", "SEPM-SERVER"), "lastServerName": "SEPM-SERVER",
		"lastSiteId": hexID("site", "My Site"), "lastSiteName": "My Site",
		"dnsServers": []string{"192.0.2.53"}, "gateways": []string{"192.0.2.1"}, "winServers": []string{"0.0.0.0"},
		"subnetMasks": []string{"255.255.255.0", "64"}, "domainOrWorkgroup": "WORKGROUP",
	}
	for _, key := range []string{"atpServer", "department", "deploymentPreVersion", "deploymentRunningVersion",
		"deploymentTargetVersion", "description", "computerDescription", "diskDrive", "email", "employeeNumber", "employeeStatus",
		"fullName", "homePhone", "jobTitle", "mobilePhone", "officePhone", "serialNumber", "idsChecksum", "idsSerialNo", "idsVersion"} {
		o[key] = ""
	}
	for _, key := range []string{"atpDeviceId", "behavioralAnalysisDefsetVersion", "encryptedDevicePassword", "licenseId", "patternIdx",
		"profileChecksum", "publicKey", "securityVirtualAppliance", "snacLicenseId", "svaId", "telemetryHwid", "telemetryMid", "tmpDevice",
		"virtualizationPlatform"} {
		o[key] = nil
	}
	if release == V142 {
		o["agentVersion"], o["minorVersion"] = "14.2.1031.0100", 2
	}
	return inRelease(o, release)
}

// createdAt is when everything that SEPM had from the beginning was made.
var createdAt = time.UnixMilli(1723541216000)

// newer are the keys that 14.2 does not have (contract: A10, version quirk).
var newer = []string{"quarantineStatus", "quarantineCode", "avDefsetVersion", "avDefsetRevision", "avDefsetSequence",
	"tdadOnOff", "tdadStatusId", "tdadGlobalDataDownloadTime", "tdadGlobalDataProcessingDoneTime", "pskVersion", "wssStatus"}

// lower are the second spellings that 14.2 has beside the first.
var lower = map[string]string{"osName": "osname", "osBitness": "osbitness", "osMajor": "osmajor", "osMinor": "osminor",
	"osFunction": "osfunction", "osLanguage": "oslanguage", "osVersion": "osversion", "osServicePack": "osservicePack", "osFlavorNumber": "osflavorNumber"}

// engines are the keys of the protection engines (contract: A10), with the
// feature that asks for each.
var engines = []struct{ key, feature string }{
	{"apOnOff", "av"}, {"avEngineOnOff", "av"}, {"bashStatus", "av"}, {"cidsBrowserFfOnOff", "ips"}, {"cidsBrowserIeOnOff", "ips"},
	{"cidsDrvOnOff", "ips"}, {"daOnOff", "av"}, {"elamOnOff", "av"}, {"firewallOnOff", "fw"}, {"pepOnOff", "mem"},
	{"ptpOnOff", "av"}, {"tamperOnOff", "av"}, {"tdadOnOff", "tdad"},
}

// look is how much of a computer is asked for.
type look struct {
	reduced  bool
	features []string // engines in the reduced set
}

// appendComputer writes the JSON object of a computer. It is written anew each
// time, without the encoder: a walk asks for the whole fleet, once.
func (s *Server) appendComputer(b []byte, c *Computer, l look) []byte {
	w := jsonWriter{b: append(b, '{')}
	w.text("agentId", rotated(c.ID, 5))
	w.text("computerName", c.Name)
	w.text("uniqueId", c.ID)
	w.text("hardwareKey", c.HardwareKey)
	w.number("onlineStatus", int64(number(!c.Offline)))
	w.texts("ipAddresses", c.IPs)
	w.texts("macAddresses", c.MACs)
	w.number("lastUpdateTime", millis(c.LastUpdate))
	// The whole path is the name here, and fullPathName is null (A10).
	w.begin("group")
	w.text("id", c.Group.ID)
	w.text("name", c.Group.Name)
	w.null("fullPathName")
	w.null("externalReferenceId")
	w.null("source")
	w.begin("domain")
	w.text("id", c.Domain.ID)
	w.text("name", c.Domain.Name)
	w.end()
	w.end()
	for _, e := range engines {
		if l.reduced && !slices.Contains(l.features, e.feature) || s.opt.Release == V142 && slices.Contains(newer, e.key) {
			continue
		}
		state, ok := c.Engines[e.key]
		if !ok {
			state = 1
		}
		w.number(e.key, int64(state))
	}
	s.writeSystem(&w, c, l)
	if l.reduced {
		w.end()
		return w.b
	}
	status, code, text := c.Integrity.wire()
	if c.Integrity == Quarantined {
		text = s.opt.QuarantineText
	}
	if s.opt.Release != V142 {
		w.number("quarantineStatus", int64(status))
		w.number("quarantineCode", int64(code))
	}
	w.text("quarantineDesc", text)
	w.text("currentClientId", rotated(c.ID, 11))
	w.text("uuid", rotated(c.ID, 17))
	w.text("profileVersion", "14.3.9681")
	w.text("profileSerialNo", c.Group.ID[:min(4, len(c.Group.ID))]+"-08/20/2024 10:00:00 000")
	w.text("loginDomain", "LocalComputer")
	w.text("logonUserName", c.User)
	w.text("lastConnectedIpAddr", first(c.IPs))
	w.text("dhcpServer", "0.0.0.0")
	w.number("infected", int64(number(c.Infected)))
	w.number("deleted", int64(number(c.Deleted)))
	w.number("lastScanTime", millis(c.LastScan))
	w.number("lastVirusTime", millis(c.LastVirus))
	w.number("agentTimeStamp", millis(c.LastUpdate))
	w.number("computerTimeStamp", millis(c.LastUpdate))
	w.b = append(append(w.b, ','), s.steady[1:]...) // with the closing brace
	return w.b
}

// writeSystem writes the keys of the operating system, which 14.2 has in two
// spellings (contract: A10).
func (s *Server) writeSystem(w *jsonWriter, c *Computer, l look) {
	sys := systems[c.OS]
	w.text("operatingSystem", cmp.Or(sys.full, sys.name))
	both := func(key, value string) {
		w.text(key, value)
		if s.opt.Release == V142 {
			w.text(lower[key], value)
		}
	}
	both("osName", sys.name)
	if l.reduced {
		return
	}
	both("osBitness", "x64")
	both("osFunction", cmp.Or(sys.function, "Unknown"))
	both("osVersion", strconv.Itoa(sys.major)+"."+strconv.Itoa(sys.minor))
	if sys.kernel == "" {
		w.null("kernel")
	} else {
		w.text("kernel", sys.kernel)
	}
	for key, n := range map[string]int{"osMajor": sys.major, "osMinor": sys.minor} {
		w.number(key, int64(n))
		if s.opt.Release == V142 {
			w.number(lower[key], int64(n))
		}
	}
}

// rotated is another id that goes with this one.
func rotated(id string, by int) string {
	by %= max(1, len(id))
	return id[by:] + id[:by]
}

// jsonWriter writes one object.
type jsonWriter struct{ b []byte }

func (w *jsonWriter) key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), name...), '"', ':') // names are plain
}

func (w *jsonWriter) text(key, value string) {
	w.key(key)
	w.b = appendString(w.b, value)
}

func (w *jsonWriter) texts(key string, values []string) {
	w.key(key)
	w.b = append(w.b, '[') // never null
	for i, v := range values {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = appendString(w.b, v)
	}
	w.b = append(w.b, ']')
}

func (w *jsonWriter) number(key string, n int64) {
	w.key(key)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *jsonWriter) null(key string) {
	w.key(key)
	w.b = append(w.b, "null"...)
}

func (w *jsonWriter) begin(key string) {
	w.key(key)
	w.b = append(w.b, '{')
}

func (w *jsonWriter) end() { w.b = append(w.b, '}') }

// appendString writes a JSON string. Only what must be escaped is, as Java's
// libraries have it: results are XML, and markup escaped would be three times
// as long.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if r >= ' ' && r != '"' && r != '\\' && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		b = append(b, s[from:i]...)
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
		i += size
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// encode writes JSON without escaping markup, as appendString does. What it is
// given is made here of plain values.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("an answer of plain values cannot be written: %v", err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// inRelease is the object with the keys that the release has.
func inRelease(o object, release Release) json.RawMessage {
	if release == V142 {
		for _, key := range newer {
			delete(o, key)
		}
		for key, second := range lower {
			if value, ok := o[key]; ok {
				o[second] = value
			}
		}
	}
	return encode(o)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}
