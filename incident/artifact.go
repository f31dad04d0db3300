package incident

// ArtifactType is the name of an artifact type as Resilient has it
// (contract: Resilient API §3.3). Names are portable, ids are not.
type ArtifactType string

// The artifact types that sepwatch makes.
const (
	FilePath      ArtifactType = "File Path"
	FileName      ArtifactType = "File Name"
	RegistryKey   ArtifactType = "Registry Key"
	SystemName    ArtifactType = "System Name"
	UserAccount   ArtifactType = "User Account"
	IPAddress     ArtifactType = "IP Address"
	MACAddress    ArtifactType = "MAC Address"
	DNSName       ArtifactType = "DNS Name"
	URL           ArtifactType = "URL"
	EmailSender   ArtifactType = "Email Sender"
	MalwareFamily ArtifactType = "Malware Family/Variant"
	CVEID         ArtifactType = "Threat CVE ID"
	MD5Hash       ArtifactType = "Malware MD5 Hash"
	SHA1Hash      ArtifactType = "Malware SHA-1 Hash"
	SHA256Hash    ArtifactType = "Malware SHA-256 Hash"
	SHA512Hash    ArtifactType = "Malware SHA-512 Hash"
)

// Artifact is a typed value on an incident.
type Artifact struct {
	Type        ArtifactType `json:"type"`
	Value       string       `json:"value"`
	Description string       `json:"description,omitempty"`
	// ID is Resilient's id of it, 0 where that is not known.
	ID int64 `json:"id,omitempty"`
}

// Identity tells one artifact of an incident from another: Resilient keeps
// one for each type and value (contract: Resilient API §3.2).
func (a Artifact) Identity() string { return string(a.Type) + "\x1f" + a.Value }
