/** Short forms that do not begin like the full first name. Each line lists the forms of one name. */
const ONE_NAME = `
abigail abby gail
albert bert al
alexander alexandra alex sandy sasha sascha xander
alfred fred al
andrew andy drew
anthony tony
antonio toni tony
barbara barb babs
benjamin ben benny
catherine katherine kathryn cathy kathy kate katie kitty
charles charlie chuck chas
christopher chris kit
daniel dan danny
david dave davy
deborah debra debbie
dorothy dot dolly
edward ed eddie ned ted
eleanor nell ellie nora
elizabeth elisabeth liz lizzy beth betty bess eliza lisa
eugene gene
francis frank fran
frances fran fanny
francisco paco pancho
frederick fred freddie
george georgie
gerald jerry
gregory greg
guadalupe lupe
harold hal harry
henry hank harry
ignacio nacho
jacob jake
james jim jimmy jamie
jennifer jenny
john jack johnny
johannes hans hannes jan
jose pepe
joseph joe joey
josef sepp
joshua josh
lawrence laurence larry
leonard leo lenny
margaret maggie meg peg peggy greta
mary molly polly
matthew matt
michael mike mick mickey mischa misha
nathaniel nathan nat
nicholas nick nico
patricia pat patty trish
patrick pat paddy
peter pete
philip phillip phil
rebecca becky
richard dick rick rich ricky
robert bob bobby rob bert
ronald ron ronnie
samuel sam sammy
sarah sally
stephen steven steve
susan sue suzie
theodore ted teddy theo
theresa teresa terry tess
thomas tom tommy
timothy tim
vincent vince
virginia ginny
walter walt wally
wilhelm willi willy
william bill billy will liam wm
`
  .trim()
  .split("\n")
  .map((line) => new Set(line.split(" ")));

/** True for two forms of one first name, as Bob and Robert. Takes lower case without accents. */
export function areOneFirstName(one: string, other: string): boolean {
  return ONE_NAME.some((names) => names.has(one) && names.has(other));
}
