"""HAN partners that are not meters: displays (IHD, PPMID), load switches (HCALCS), CADs."""
