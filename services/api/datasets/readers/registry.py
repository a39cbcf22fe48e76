"""Every reader by its layout's name. A new reader is one more line here."""

from collections.abc import Mapping

from services.api.datasets.readers import (
    chest_xray,
    class_folders,
    cub200,
    fgvc_aircraft,
    ham10000,
    huggingface,
    pld,
    reference_json,
    stanford_dogs,
    table,
)
from services.api.datasets.readers.reader import Reader

READERS: Mapping[str, Reader] = {
    reader.layout: reader
    for reader in (
        cub200.READER,
        fgvc_aircraft.READER,
        stanford_dogs.READER,
        ham10000.READER,
        chest_xray.READER,
        pld.READER,
        reference_json.READER,
        huggingface.READER,
        table.READER,
        class_folders.READER,
    )
}
