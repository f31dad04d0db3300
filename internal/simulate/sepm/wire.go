package sepm

import (
	"encoding/json"
	"fmt"
	"time"
)

// object is a JSON object under construction.
type object map[string]any

// steady are the keys of a computer that say the same for every one
// (contract: A10; the number-like strings are as SEPM sends them, A2), as
// the JSON object they begin. They are most of the object and are made once.
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
		"creationTime": 1723541216000, "lastDeploymentTime": 0, "lastDownloadTime": 1724225880000,
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
	return inRelease(o, release)
}

// newer are the keys that 14.2 does not have (contract: A10, version quirk).
var newer = []string{"quarantineStatus", "quarantineCode", "avDefsetVersion", "avDefsetRevision", "avDefsetSequence",
	"tdadOnOff", "tdadStatusId", "tdadGlobalDataDownloadTime", "tdadGlobalDataProcessingDoneTime", "pskVersion", "wssStatus"}

// lower are the second spellings that 14.2 has beside the first.
var lower = map[string]string{"osName": "osname", "osBitness": "osbitness", "osMajor": "osmajor", "osMinor": "osminor",
	"osFunction": "osfunction", "osLanguage": "oslanguage", "osVersion": "osversion", "osServicePack": "osservicePack", "osFlavorNumber": "osflavorNumber"}

// engines are the keys of the protection engines (contract: A10).
var engines = []string{"apOnOff", "avEngineOnOff", "bashStatus", "cidsBrowserFfOnOff", "cidsBrowserIeOnOff", "cidsDrvOnOff",
	"daOnOff", "elamOnOff", "firewallOnOff", "pepOnOff", "ptpOnOff", "tamperOnOff", "tdadOnOff"}

// render is the JSON object of the computer's own keys.
func (c Computer) render(release Release) json.RawMessage {
	sys := systems[c.OS]
	if sys.full == "" {
		sys.full = sys.name
	}
	status, code, text := c.Integrity.wire()
	o := object{
		"agentId": hexID("agent", c.ID), "computerName": c.Name, "uniqueId": c.ID, "currentClientId": hexID("client", c.ID),
		"hardwareKey": c.HardwareKey, "uuid": hexID("uuid", c.ID), "profileVersion": "14.3.9681",
		"profileSerialNo": c.Group.ID[:4] + "-08/20/2024 10:00:00 000",
		"loginDomain":     "LocalComputer", "logonUserName": c.User,
		"operatingSystem": sys.full, "osName": sys.name, "osBitness": "x64", "osFunction": sys.function,
		"osMajor": sys.major, "osMinor": sys.minor, "osVersion": fmt.Sprintf("%d.%d", sys.major, sys.minor), "kernel": nullable(sys.kernel),
		"ipAddresses": list(c.IPs), "macAddresses": list(c.MACs), "lastConnectedIpAddr": first(c.IPs), "dhcpServer": "0.0.0.0",
		"onlineStatus": number(!c.Offline), "infected": number(c.Infected), "deleted": number(c.Deleted),
		"quarantineStatus": status, "quarantineCode": code, "quarantineDesc": text,
		"lastUpdateTime": millis(c.LastUpdate), "lastScanTime": millis(c.LastScan), "lastVirusTime": millis(c.LastVirus),
		"agentTimeStamp": millis(c.LastUpdate), "computerTimeStamp": millis(c.LastUpdate),
		// The whole path is the name here, and fullPathName is null (A10).
		"group": object{"id": c.Group.ID, "name": c.Group.Name, "fullPathName": nil, "externalReferenceId": nil, "source": nil,
			"domain": object{"id": c.Domain.ID, "name": c.Domain.Name}},
	}
	for _, key := range engines {
		o[key] = 1
	}
	for key, state := range c.Engines {
		o[key] = state
	}
	return inRelease(o, release)
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
	data, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("a computer of plain values cannot be written: %v", err))
	}
	return data
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

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// list is never null: SEPM sends an empty array.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}
