package winzip

// The records of a zip archive, after PKWARE's APPNOTE.TXT 6.3.10, §4.3: a
// file's local header, its data and its data descriptor, then the directory
// with its one entry and its end.
const (
	localSignature      uint32 = 0x04034b50
	descriptorSignature uint32 = 0x08074b50
	entrySignature      uint32 = 0x02014b50
	endSignature        uint32 = 0x06054b50
)

const (
	version51 uint16 = 51 // the one that AES needs

	flagEncrypted  uint16 = 1 << 0
	flagDescriptor uint16 = 1 << 3 // sizes follow the data
	flagUTF8       uint16 = 1 << 11

	methodDeflate uint16 = 8
	methodAES     uint16 = 99 // the extra field has the real one

	// date1980 is 1 January 1980, the first that zip knows: when the file was
	// made is not known.
	date1980 uint16 = 1<<5 | 1
)

// sizes are a file's CRC and sizes. AE-2 leaves the CRC away, as it would
// tell what a small file holds; the authentication code does its work.
type sizes struct{ CRC, Compressed, Uncompressed uint32 }

// common is what a local header and an entry of the directory share.
type common struct {
	Version, Flags, Method, Time, Date uint16
	Sizes                              sizes
	NameLength, ExtraLength            uint16
}

// aesExtra is the extra field of AES encryption.
type aesExtra struct {
	ID, Length, Version uint16
	Vendor              [2]byte
	Strength            uint8
	Method              uint16
}

// member is the archive's one file.
type member struct {
	name   string
	common common
	extra  aesExtra
}

func newMember(name string) member {
	return member{
		name: name,
		common: common{
			Version: version51, Flags: flagEncrypted | flagDescriptor | flagUTF8, Method: methodAES, Date: date1980,
			NameLength: uint16(len(name)), ExtraLength: 11,
		},
		// AE-2, and 3 for a key of 256 bits.
		extra: aesExtra{ID: 0x9901, Length: 7, Version: 2, Vendor: [2]byte{'A', 'E'}, Strength: 3, Method: methodDeflate},
	}
}

// finish writes the directory. The file is said to come from DOS, so that it
// is unpacked as one that may not be executed.
func (m member) finish(w *counter, s sizes) error {
	start := w.n
	m.common.Sizes = s
	var entry struct {
		CommentLength, Disk, InternalAttributes uint16
		ExternalAttributes, Offset              uint32
	}
	if err := put(w, entrySignature, version51, m.common, entry, m.name, m.extra); err != nil {
		return err
	}
	end := struct {
		Disk, StartDisk, DiskEntries, Entries uint16
		Size, Offset                          uint32
		CommentLength                         uint16
	}{DiskEntries: 1, Entries: 1, Size: uint32(w.n - start), Offset: uint32(start)}
	return put(w, endSignature, end)
}
